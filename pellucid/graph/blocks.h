// Blocks: operators whose bodies are graphs of their own.
//
//   cond         [predicate, handed...]; bodies {taken when true, taken when false}
//   while_loop   [carried, captured], each a list; bodies {condition, round}. While
//   condition(carried,
//                captured) is true, carried = round(carried, captured). Results: carried
//   loop         [most rounds or None, condition or None, number n of carried values, carried...,
//                captured...]; one body (number of the round, condition, carried..., captured...) →
//                (condition, carried..., kept...). Results: carried, then each kept value's rounds
//                stacked along a new first dimension
//   wrap_with_set_grad_enabled [on, handed...], wrap_with_autocast [device, dtype, on, caches,
//                handed...]; one body, which inline_blocks() puts in their place
//
// Operands that are lists are handed over item by item. A gradient follows what was run.
#pragma once

#include "pellucid/graph/graph.h"

namespace pellucid {

// What the block hands to the body's inputs, one operand each: its own from `first` on, lists item
// by item. Throws Error (Fault::model) when there are more or fewer.
std::vector<Operand> handed_to(const Graph& body, const Node& block, std::size_t first);

// Operands, bodies and results fit each other as said above. Throws Error (Fault::model).
void check_block(const Node& block);

// Of a loop: how many values it carries from round to round.
std::size_t carried_by(const Node& loop);

// Names of the blocks whose branch or number of rounds depends on values of the inputs, not on
// their sizes alone: of a batch, each sample may go its own way. What lies in a body is named by
// its block.
std::vector<std::string> decided_by_data(const Graph& graph);

}  // namespace pellucid
