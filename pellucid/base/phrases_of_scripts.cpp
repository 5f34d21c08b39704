// Simplified Chinese of the texts about TorchScript programs. See phrases.h for the marks in the
// patterns.
#include "pellucid/base/phrases.h"

namespace pellucid {

std::span<const Phrase> phrases_of_scripts() {
  static constexpr Phrase table[] = {
      // The file.
      {"this is a TorchScript file: PyTorch's loader for it can run code of the file and is not "
       "safe on a hostile one",
       "这是 TorchScript 文件：PyTorch 的加载器可能运行文件中的代码，对恶意文件并不安全"},
      {"pass --trust (trust=True in Python) if you made it or trust who did, never to a server; or "
       "export the PyTorch model as .pt2, which is read without running anything: python -m "
       "pellucid.export",
       "如果文件是您自己做的，或您信任制作者，请加 --trust（Python 中 "
       "trust=True），但绝不要用于服务器；或者把 "
       "PyTorch 模型导出为 .pt2，读取它不会运行任何代码：python -m pellucid.export"},
      {"export the PyTorch model as .pt2: python -m pellucid.export",
       "请把 PyTorch 模型导出为 .pt2：python -m pellucid.export"},
      {"export the model in evaluation mode: python -m pellucid.export",
       "请在评估模式下导出模型：python -m pellucid.export"},
      {"save it again with torch.jit.save, or export the PyTorch model it was made from: python -m "
       "pellucid.export",
       "请用 torch.jit.save 重新保存，或导出它所来自的 PyTorch 模型：python -m pellucid.export"},
      {"operators of other libraries are not read; load the file with the torch that wrote it and "
       "save it again, or export the PyTorch model: python -m pellucid.export",
       "不读取其他库的算子；请用写出该文件的 torch 载入后重新保存，或导出 PyTorch 模型：python -m "
       "pellucid.export"},
      {"PyTorch can't load the TorchScript program: {0}",
       "PyTorch 无法载入 TorchScript 程序：{0~}"},
      {"a part of a TorchScript file", "TorchScript 文件的一部分"},
      {"it has no forward()", "它没有 forward()"},
      {"not there", "不存在"},
      {"what is not read: {0}", "无法读取的部分：{0~}"},
      {"{0} is no operator of PyTorch", "{0} 不是 PyTorch 的算子"},
      // What it is walked with.
      {"record its inputs: write it with pellucid.export, or put {\"inputs\": [{\"name\": ..., "
       "\"shape\": [null, 3, 224, 224]}]} into a file beside it, named like it with .json",
       "请记录它的输入：用 pellucid.export 写出，或在它旁边放一个同名的 .json 文件，内容为 "
       "{\"inputs\": "
       "[{\"name\": ..., \"shape\": [null, 3, 224, 224]}]}"},
      {"trace the model with an example: torch.jit.trace(model, example)",
       "请用示例跟踪模型：torch.jit.trace(model, example)"},
      {"the file does not say what its inputs look like; {0} is a guess that its program accepts",
       "文件没有说明输入的形状；{0} 是程序可以接受的猜测"},
      {"the file does not say what the argument \"{0}\" of type {1} looks like",
       "文件没有说明类型为 {1} 的参数“{0}”是什么样的"},
      {"forward() wants the argument \"{0}\" of type {1}", "forward() 需要类型为 {1} 的参数“{0}”"},
      {"forward() returns nothing", "forward() 什么也不返回"},
      {"forward() returns {0}", "forward() 返回{0~}"},
      {"the answer is not one per sample", "回答不是每个样本一个"},
      {"samples of a batch are not treated alike", "一个批次中的样本没有被同等对待"},
      {"a condition asks for the batch", "某个条件取决于批次大小"},
      {"a loop runs once per sample", "某个循环对每个样本运行一次"},
      {"the rank of a result of {0} depends on the batch", "{0} 的结果的维数取决于批次"},
      {"{0} returns as many values as the batch has samples", "{0} 返回的值与批次中的样本一样多"},
      {"{0} returns a list whose length depends on the input", "{0} 返回的列表长度取决于输入"},
      {"{0} returns {1}", "{0} 返回{1~}"},
      {"{0} wants {1} operands, got {2}", "{0} 需要 {1} 个操作数，得到 {2} 个"},
      {"{0} wants {1} arguments", "{0} 需要 {1} 个参数"},
      {"{0} is given to an operator", "{0~}被交给了算子"},
      {"{0} is taken apart", "{0~}被拆开"},
      {"a container of {0} is taken apart into {1}", "含 {0} 项的容器被拆成 {1} 项"},
      // What things are.
      {"a tensor", "张量"},
      {"a tuple", "元组"},
      {"a dictionary", "字典"},
      {"a list of {0}", "{0~}的列表"},
      {"a literal {0}", "字面量 {0}"},
      {"an object of {0}", "{0} 的对象"},
      {"a method of {0}", "{0} 的方法"},
      {"an attribute of {0}", "{0} 的属性"},
      {"a constant of {0}", "{0} 类型的常量"},
      {"an error", "一个错误"},
      {"a list of more than a million", "超过一百万项的列表"},
      {"a condition on {0}", "以{0~}为条件"},
      {"a slice with a step of {0}", "步长为 {0} 的切片"},
      {"a key that depends on an input", "取决于输入的键"},
      {"a key that the dictionary does not have", "字典中没有的键"},
      {"an index beyond the list", "超出列表的下标"},
      {"an index beyond the tuple", "超出元组的下标"},
      // Control flow.
      {"the model raises: {0}", "模型抛出：{0~}"},
      {"the program does not come to an end", "程序不会结束"},
      {"the program writes into its own weights", "程序写入自己的权重"},
      {"the program, its loops unrolled, has more than {0} operations",
       "程序的循环展开后超过 {0} 个运算"},
      {"calls are nested deeper than {0}", "调用嵌套超过 {0} 层"},
      {"the value %{0} is never made", "值 %{0} 从未产生"},
      {"the object has no \"{0}\" yet", "对象还没有“{0}”"},
      {"a value of a branch is used after the branch", "分支中的值在分支之后被使用"},
      {"an attribute is set in a branch that an input decides", "在由输入决定的分支中设置了属性"},
      {"an input decides over the rank or the type of a tensor", "输入决定了张量的维数或类型"},
      {"a branch or loop that an input decides changes a list from outside of it",
       "由输入决定的分支或循环改变了外部的列表"},
      {"a branch or loop that an input decides writes into the value {0} from outside of it",
       "由输入决定的分支或循环写入了外部的值 {0}"},
      {"the branches of a condition that an input decides give {0} and {1}",
       "由输入决定的条件的两个分支分别给出{0~}和{1~}"},
      {"give the same kinds of values in both", "请让两个分支给出同样种类的值"},
      {"a loop turns a number into {0}", "某个循环把数变成了{0~}"},
      {"a loop turns a tensor into {0}", "某个循环把张量变成了{0~}"},
      {"a loop whose rounds an input decides carries {0} from round to round",
       "次数由输入决定的循环在各轮之间传递{0~}"},
      {"carry tensors and numbers only", "请只传递张量和数"},
  };
  return table;
}

}  // namespace pellucid
