// The bodies of requests → what operations take, and what they gave → the bodies of responses: the
// Open Inference Protocol v2 with the binary tensor extension, and KServe v1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pellucid/operation/together.h"
#include "pellucid/serve/message.h"

namespace pellucid {

struct Model;

// JSON of a client. Throws Error (Fault::usage) for what is no JSON or nested too deep.
Json parse_body(std::string_view body);

// An output that the client chose ("outputs" of v2).
struct ChosenOutput {
  std::string name;
  bool binary = false;
};

// A request as its body has it. The inputs' stems are "0", "1", ...
struct BodyRequest {
  Request request;
  Json id = nullptr;      // v2: given back as it came
  bool binary = false;    // v2: outputs as bytes behind the JSON
  bool pictures = false;  // every input is one encoded picture, without a batch axis
  Language language = Language::english;  // of what people read in the answer
  std::vector<ChosenOutput> chosen;       // v2; empty: all
};

// v2. `header` is Inference-Header-Content-Length, empty where the body is JSON alone. Throws Error
// (Fault::usage) with the place in the request.
BodyRequest read_v2(const Operation& operation, std::string_view body, std::string_view header);
// The document, and each file as an output: arrays with their values, others as base64. In another
// language than English there is "words", too: what people read in the document, by its English.
HttpResponse v2_response(std::string_view model, const BodyRequest& asked, const Performed& done);
// `infer`: the outputs of `predict` under the model's own names.
HttpResponse infer_response(std::string_view name, const Model& model, const BodyRequest& asked,
                            const Performed& done);
// The name that /v2/models/M and `infer` give to the model's i-th output.
std::string output_name(const Model& model, std::size_t output);

// v1. Numbers become the type that the model's input has.
BodyRequest read_v1(const Operation& operation, const Model& model, std::string_view body);
// "predictions": each instance's raw outputs; "explanations": each record with its scores.
HttpResponse v1_response(const Operation& operation, const BodyRequest& asked,
                         const Performed& done);

// Throws the first failure, if there is one.
void refuse_failures(const Answer& answer);

}  // namespace pellucid
