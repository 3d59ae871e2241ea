# A weak function in a kernel object could replace the baseline's copy at link time and bring instructions
# that the CPU does not have.
execute_process(COMMAND "${NM}" "${ARCHIVE}" OUTPUT_VARIABLE symbols RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  message(FATAL_ERROR "nm failed on ${ARCHIVE}")
endif()
string(REGEX MATCHALL "[^\n]* [WVu] [^\n]*" weak "${symbols}")
# Sanitizers bring weak markers and type descriptions of their own; they hold no code of ours.
list(FILTER weak EXCLUDE REGEX "__asan|__ubsan|__tsan|__odr_asan|DW.ref|_ZT[IS]")
if(weak)
  message(FATAL_ERROR "weak symbols in the kernels:\n${weak}")
endif()
