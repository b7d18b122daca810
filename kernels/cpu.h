// What this CPU and its system can run, asked for once.
#pragma once

namespace biolord {

bool supports_plain();
#if defined(__x86_64__)
bool supports_avx2();
bool supports_avx_vnni();
bool supports_avx512_vnni();
bool supports_amx_int8();  // asks the system for the tiles' state
#elif defined(__aarch64__)
bool supports_neon_dotprod();
bool supports_neon_i8mm();
#endif

int usable_cores();  // that this process may run on, at least 1

}  // namespace biolord
