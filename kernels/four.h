// Four registers that the compiler keeps in registers (of an array of many it keeps copies in
// memory), for kernels with many independent chains of sums. The including file defines, in an
// unnamed namespace of its own ISA namespace, before it:
//
//   void forget(V& v)    an empty asm statement after which the compiler knows nothing about v

namespace {

template <typename V>
struct Four {
  V a, b, c, d;
};

/// Four times v, which the compiler does not know to be equal: it would join equal chains.
template <typename V>
inline Four<V> four_of(V v) {
  Four<V> four = {v, v, v, v};
  forget(four.a);
  forget(four.b);
  forget(four.c);
  forget(four.d);
  return four;
}

/// fn(register) for each.
template <typename V, typename Fn>
inline void for_each(Four<V>& four, Fn fn) {
  fn(four.a);
  fn(four.b);
  fn(four.c);
  fn(four.d);
}

}  // namespace
