// Scratch memory that is used again: taken at the start of a piece of work, given back at its end.
//
// Not thread-local: threads come and go, and a library that can be unloaded can't clean up after them. The kept blocks
// lie in a few slots that are swapped atomically, so no lock can be held across a fork.
#pragma once
#include <cstddef>

namespace biolord {

class Arena {
 public:
  explicit Arena(size_t bytes);
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  bool ok() const { return base_ != nullptr; }
  template <class T>
  T* take(size_t count) {
    T* place = reinterpret_cast<T*>(base_ + used_);
    used_ += room<T>(count);
    return place;
  }
  // What `take` uses up: whole cache lines, and one more, so that equal sizes don't fall on the same cache sets.
  template <class T>
  static constexpr size_t room(size_t count) {
    return (count * sizeof(T) + 127) / 64 * 64;
  }

 private:
  char* base_;
  size_t size_, used_;
};

void arenas_user_came();
void arenas_user_left();  // the last one frees what is kept
void arenas_release();    // free what is kept and not in use now

}  // namespace biolord
