# tools/cmake/commit_stamp.cmake in a repository, with changes, in a worktree, without a repository, inside
# another one, without git: cmake -DSCRIPT=... -DFOLDER=... -DGIT=... -P commit_stamp_test.cmake
if(NOT GIT)
  message(STATUS "SKIPPED: there is no git")
  return()
endif()
# Neither the user's settings nor a hook that runs the tests may change what happens here.
set(ENV{GIT_CONFIG_GLOBAL} /dev/null)
set(ENV{GIT_CONFIG_NOSYSTEM} 1)
foreach(variable IN ITEMS GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR)
  unset(ENV{${variable}})
endforeach()
file(REMOVE_RECURSE "${FOLDER}")
file(MAKE_DIRECTORY "${FOLDER}/clone/inner" "${FOLDER}/plain")
set(header "${FOLDER}/commit.h")

function(run_git folder)
  execute_process(COMMAND "${GIT}" -C "${folder}" -c user.name=x -c user.email=x@example.org ${ARGN}
                  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "git ${ARGN} failed: ${output}")
  endif()
  string(STRIP "${output}" output)
  set(git_output "${output}" PARENT_SCOPE)
endfunction()

function(expect_commit folder git expected)
  execute_process(COMMAND "${CMAKE_COMMAND}" "-DSOURCE_DIR=${folder}" "-DHEADER=${header}" "-DGIT=${git}" -P
                          "${SCRIPT}" RESULT_VARIABLE status)
  file(READ "${header}" text)
  if(NOT status EQUAL 0 OR NOT text STREQUAL "#define TERN_COMMIT \"${expected}\"\n")
    message(FATAL_ERROR "in ${folder}: expected ${expected}, status ${status}, got ${text}")
  endif()
endfunction()

# No folder above the tests must count as the repository of the plain ones.
set(ENV{GIT_CEILING_DIRECTORIES} "${FOLDER}")
expect_commit("${FOLDER}/plain" "${GIT}" unknown)

run_git("${FOLDER}/clone" init -q)
expect_commit("${FOLDER}/clone" "${GIT}" unknown) # no commit yet
file(WRITE "${FOLDER}/clone/file" "1")
run_git("${FOLDER}/clone" add file)
run_git("${FOLDER}/clone" commit -q -m first)
run_git("${FOLDER}/clone" tag -a -m release v1.0)
run_git("${FOLDER}/clone" rev-parse --short=12 HEAD)
set(first "${git_output}")
expect_commit("${FOLDER}/clone" "${GIT}" "${first}")
expect_commit("${FOLDER}/clone/inner" "${GIT}" unknown) # a tarball unpacked in there
expect_commit("${FOLDER}/clone" "" unknown)

# The header is left alone when it says the same. Its time is set far back, so that the clock's
# resolution does not matter.
expect_commit("${FOLDER}/clone" "${GIT}" "${first}")
execute_process(COMMAND touch -d "2001-02-03 04:05:06" "${header}")
file(TIMESTAMP "${header}" before)
expect_commit("${FOLDER}/clone" "${GIT}" "${first}")
file(TIMESTAMP "${header}" after)
if(NOT before STREQUAL after)
  message(FATAL_ERROR "the header was written again: ${before}, ${after}")
endif()

# A hook's environment points elsewhere.
set(ENV{GIT_DIR} "${FOLDER}/plain")
expect_commit("${FOLDER}/clone" "${GIT}" "${first}")
unset(ENV{GIT_DIR})

file(WRITE "${FOLDER}/clone/untracked" "1")
expect_commit("${FOLDER}/clone" "${GIT}" "${first}")
file(WRITE "${FOLDER}/clone/file" "changed")
expect_commit("${FOLDER}/clone" "${GIT}" "${first}-dirty")
run_git("${FOLDER}/clone" commit -q -a -m second)
run_git("${FOLDER}/clone" rev-parse --short=12 HEAD)
set(second "${git_output}")
expect_commit("${FOLDER}/clone" "${GIT}" "${second}")

run_git("${FOLDER}/clone" worktree add -q "${FOLDER}/tree" "${first}")
expect_commit("${FOLDER}/tree" "${GIT}" "${first}")
file(REMOVE_RECURSE "${FOLDER}")
