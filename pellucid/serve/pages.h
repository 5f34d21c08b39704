// What a browser gets: the page and its parts, as they lie in the program.
#pragma once

#include "pellucid/serve/message.h"
#include "pellucid/serve/route.h"

namespace pellucid {

// Of Resource::page, asset and words; 404 for an asset that is not there.
HttpResponse page_response(const Route& route, const HttpRequest& request);

}  // namespace pellucid
