// Simplified Chinese of the places in errors; see phrases.h.
#include "pellucid/base/phrases.h"

namespace pellucid {

std::span<const Phrase> phrases_of_places() {
  static constexpr Phrase table[] = {
      {"record {0}", "记录 {0}"},
      {"node {0}", "节点 {0}"},
      {"node {0}, operator {1}", "节点 {0}，算子 {1}"},
      {"input {0}", "输入 {0}"},
      {"tensor {0}", "张量 {0}"},
      {"metadata pellucid", "元数据 pellucid"},
      {"module {0}", "模块 {0}"},
      {"weight {0}", "权重 {0}"},
      {"value {0}", "值 {0}"},
      {"layer {0}", "层 {0}"},
      {"target {0}", "目标 {0}"},
      {"target \"{0}\"", "目标“{0}”"},
      {"baseline {0}", "基线 {0}"},
      {"method {0}", "方法 {0}"},
      {"entry {0}", "条目 {0}"},
      {"zip directory", "zip 目录"},
      {"parameter \"{0}\"", "参数“{0}”"},
      {"option of {0} \"{1}\"", "{0} 的选项“{1}”"},
      {"parameter of {0} \"{1}\"", "{0} 的参数“{1}”"},
      {"the metadata's {0}.preprocessing", "元数据的 {0}.preprocessing"},
      {"option \"{0}\"", "选项“{0}”"},
  };
  return table;
}

}  // namespace pellucid
