// The kinds of this library, best first, and the one that is used.
#pragma once
#include "kernels.h"

namespace biolord {

constexpr const char* kVersion = "1";  // of the domain

const Kind* kind_at(int index);            // that this machine can run, best first; null beyond the last
const Kind* kind_named(const char* name);  // null: unknown, or this machine can't run it
bool is_kind(const char* name);            // known to this library

const Kind* chosen();         // null until chosen
void use(const Kind* kind);

}  // namespace biolord
