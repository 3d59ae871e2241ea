# tern_options: warnings, floating-point rules and sanitizers of every target of this project.
add_library(tern_options INTERFACE)
target_compile_features(tern_options INTERFACE cxx_std_20)
target_compile_options(
  tern_options
  INTERFACE -Wall
            -Wextra
            -Wshadow
            -Wconversion
            # Results must not depend on the ISA: GCC otherwise fuses a*b+c wherever the target has fma.
            -ffp-contract=off
            # False alarms of GCC 12: overlapping copies inside std::string's operator+ (PR 105329), and
            # uninitialised parts of moved std::variant and inside its AVX-512 headers (PR 105593).
            $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict;-Wno-maybe-uninitialized>
            $<$<BOOL:${TERN_WERROR}>:-Werror>)
if(TERN_NATIVE)
  target_compile_options(tern_options INTERFACE -march=native)
endif()
if(TERN_SANITIZE)
  target_compile_options(tern_options INTERFACE -fsanitize=${TERN_SANITIZE} -fno-sanitize-recover=all
                                                -fno-omit-frame-pointer)
  target_link_options(tern_options INTERFACE -fsanitize=${TERN_SANITIZE})
endif()
