# tern_options: warnings, floating-point rules, hardening and sanitizers of every target of this project.
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

# Hardening: what a fault in the code can still be used for. Flags that a compiler does not know for its
# target (clang 14 and stack clashes on AArch64) are left out; tests/hardening checks the program.
include(CheckCXXCompilerFlag)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
foreach(flag IN ITEMS -fstack-protector-strong -fstack-clash-protection -fcf-protection
                      -ftrivial-auto-var-init=pattern)
  string(MAKE_C_IDENTIFIER "TERN_HAS${flag}" known)
  # An unknown flag that is merely ignored would be a warning in every file.
  set(CMAKE_REQUIRED_FLAGS -Werror)
  check_cxx_compiler_flag(${flag} ${known})
  unset(CMAKE_REQUIRED_FLAGS)
  if(NOT ${known})
    continue()
  endif()
  if(flag MATCHES auto-var-init)
    # Finds what is read before it is written; users do not pay for it.
    target_compile_options(tern_options INTERFACE $<$<CONFIG:Debug>:${flag}>)
  else()
    target_compile_options(tern_options INTERFACE ${flag})
  endif()
endforeach()
if(NOT TERN_SANITIZE)
  # Needs optimisation, which parts of a debug build have none of; sanitizers watch the same calls themselves.
  target_compile_options(tern_options
                         INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=3>)
endif()
target_link_options(tern_options INTERFACE LINKER:-z,relro,-z,now,-z,noexecstack)

if(TERN_NATIVE)
  target_compile_options(tern_options INTERFACE -march=native)
endif()
if(TERN_SANITIZE)
  target_compile_options(tern_options INTERFACE -fsanitize=${TERN_SANITIZE} -fno-sanitize-recover=all
                                                -fno-omit-frame-pointer)
  target_link_options(tern_options INTERFACE -fsanitize=${TERN_SANITIZE})
endif()

# For a target whose files spend most of their time on headers of the JSON, flag and test libraries.
function(tern_unite_files target)
  if(TERN_UNITY)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  endif()
endfunction()
