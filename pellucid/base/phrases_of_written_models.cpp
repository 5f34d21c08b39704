// Simplified Chinese of the texts about models that are written (convert). See phrases.h for the
// marks in the patterns.
#include "pellucid/base/phrases.h"

namespace pellucid {

std::span<const Phrase> phrases_of_written_models() {
  static constexpr Phrase table[] = {
      {"only a file whose name ends in {0} can be written", "只能写名称以 {0} 结尾的文件"},
      {"call it {0}", "请命名为 {0}"},
      {"name a file in it", "请指明其中的一个文件"},
      {"make room, or write elsewhere", "请腾出空间，或写到别处"},
      {"write elsewhere", "请写到别处"},
      {"{0} needs a name for the file that it makes", "{0} 需要所生成文件的名称"},
      // What a .pt2 can't hold.
      {"a .pt2 file can't hold that", ".pt2 文件无法容纳它"},
      {"a .pt2 file has no way to write it", ".pt2 文件无法表示它"},
      {"a .pt2 file holds plain tensors: export the model without it",
       ".pt2 文件只保存普通张量：请在导出模型时去掉它"},
      {"{0} has no counterpart", "{0} 没有对应的算子"},
      {"{0}: what it returns depends on the data in size or number",
       "{0}：其返回值的大小或数量取决于数据"},
      {"{0}: it is written as fixed", "{0~}：按固定大小写出"},
      {"its body holds weights of its own", "它的主体含有自己的权重"},
      {"an operand of type {0}", "类型为 {0} 的操作数"},
      {"a list of lists of values", "值的列表的列表"},
      {"a list of several kinds", "含多种类型的列表"},
      {"a list of which one tensor has no name", "其中一个张量没有名称的列表"},
      {"a type that the format has no number for", "该格式没有编号的类型"},
      {"a tensor of a type that the format has no number for", "类型在该格式中没有编号的张量"},
      {"a nested tensor", "嵌套张量"},
      {"no strided tensor", "不是跨步张量"},
      {"not in the CPU's memory", "不在 CPU 内存中"},
      {"of symbolic size", "大小是符号"},
      {"the weight {0} is {1}", "权重 {0} {1~}"},
      {"the value \"{0}\" is a {1}", "值“{0}”是 {1}"},
      {"\"{0}\" is called \"{1}\" in the file", "“{0}”在文件中称为“{1}”"},
      {"unknown operator {0} on {1}", "未知的算子 {0}（对 {1}）"},
      {"unknown operator {0}.{1} on {2}", "未知的算子 {0}.{1}（对 {2}）"},
      // Sizes.
      {"the input \"{0}\" is a number, no tensor", "输入“{0}”是数，不是张量"},
      {"the input \"{0}\" is too large to try the model with", "输入“{0}”太大，无法用来试运行模型"},
      {"size {0} of the input \"{1}\" works at {2} only", "输入“{1}”的第 {0} 维只能是 {2}"},
      {"the graph runs at other sizes of each input, but not of all of them",
       "每个输入单独换大小时都能运行，同时换就不行"},
      {"export the model with fixed sizes", "请以固定大小导出模型"},
      {"export the model with that number fixed", "请固定该数后导出模型"},
  };
  return table;
}

}  // namespace pellucid
