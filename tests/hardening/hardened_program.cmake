# The program is as hard to misuse as it was asked to be: reads its headers with readelf, so that a flag that
# gets lost on the way to the linker is seen. READELF PROGRAM FORTIFIED
function(read_program option variable)
  execute_process(
    COMMAND "${READELF}" --wide ${option} "${PROGRAM}"
    OUTPUT_VARIABLE text
    COMMAND_ERROR_IS_FATAL ANY)
  set(${variable} "${text}" PARENT_SCOPE)
endfunction()
function(expect text pattern what)
  if(NOT "${text}" MATCHES "${pattern}")
    message(SEND_ERROR "${PROGRAM}: ${what}")
  endif()
endfunction()

read_program(--file-header header)
expect("${header}" "Type: +DYN" "no position-independent executable: its addresses can be known")
read_program(--dynamic dynamic)
expect("${dynamic}" "FLAGS_1.*PIE" "no position-independent executable: its addresses can be known")
expect("${dynamic}" "FLAGS_1.*NOW" "functions are bound late, so the table of them stays writable")
read_program(--program-headers segments)
expect("${segments}" "GNU_RELRO" "what the loader has filled in stays writable")
expect("${segments}" "GNU_STACK[^\n]* RW +0x" "the stack can be executed")
if("${segments}" MATCHES "LOAD[^\n]* RWE ")
  message(SEND_ERROR "${PROGRAM}: memory is writable and executable at once")
endif()
read_program(--dyn-syms symbols)
expect("${symbols}" "__stack_chk_fail" "no stack protector")
if(FORTIFIED)
  expect("${symbols}" "__(memcpy|memmove|snprintf|read|pread|fprintf|vsnprintf)_chk" "nothing is fortified")
endif()
