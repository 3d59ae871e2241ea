# Writes the program's manual pages and completions: -DTERN=program -DFOLDER=where
function(run_tern file)
  execute_process(COMMAND "${TERN}" ${ARGN} OUTPUT_FILE "${file}" COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}/man1" "${FOLDER}/bash" "${FOLDER}/zsh" "${FOLDER}/fish")
run_tern("${FOLDER}/man1/tern.1" manual)
# The pages of the commands are those that the first page names.
file(STRINGS "${FOLDER}/man1/tern.1" lines REGEX "^.fBtern.-[a-z]+.fR.1.$")
foreach(line IN LISTS lines)
  string(REGEX REPLACE "^.fBtern.-([a-z]+).fR.1.$" "\\1" command "${line}")
  run_tern("${FOLDER}/man1/tern-${command}.1" manual ${command})
endforeach()
run_tern("${FOLDER}/bash/tern" completion bash)
run_tern("${FOLDER}/zsh/_tern" completion zsh)
run_tern("${FOLDER}/fish/tern.fish" completion fish)
file(TOUCH "${FOLDER}/done")
