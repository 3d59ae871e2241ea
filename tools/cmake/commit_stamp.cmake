# Writes the commit of a source tree into a header: 12 hexadecimal digits, "-dirty" when tracked files
# differ from it, "unknown" without git or outside a repository of its own. Runs at every build and
# leaves a header that says the same untouched, so that nothing is compiled anew.
#
#   cmake -DSOURCE_DIR=... -DHEADER=... [-DGIT=...] -P commit_stamp.cmake
set(commit "unknown")
if(GIT AND EXISTS "${GIT}")
  # A build started from a git hook has these in its environment, and they would win over -C.
  foreach(variable IN ITEMS GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_COMMON_DIR)
    unset(ENV{${variable}})
  endforeach()
  # No lock on the index: somebody may be committing at the same time.
  set(git "${GIT}" --no-optional-locks -C "${SOURCE_DIR}")
  execute_process(
    COMMAND ${git} rev-parse --show-toplevel
    OUTPUT_VARIABLE top
    RESULT_VARIABLE status
    ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(status EQUAL 0)
    file(REAL_PATH "${top}" top)
    file(REAL_PATH "${SOURCE_DIR}" source)
    # A tarball unpacked inside another project must not carry that project's commit.
    if(top STREQUAL source)
      execute_process(
        COMMAND ${git} describe --always --dirty --exclude=* --abbrev=12
        OUTPUT_VARIABLE described
        RESULT_VARIABLE status
        ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
      if(status EQUAL 0 AND described MATCHES "^[0-9a-f]+(-dirty)?$")
        set(commit "${described}")
      endif()
    endif()
  endif()
endif()

set(text "#define TERN_COMMIT \"${commit}\"\n")
set(old "")
if(EXISTS "${HEADER}")
  file(READ "${HEADER}" old)
endif()
if(NOT text STREQUAL old)
  file(WRITE "${HEADER}" "${text}")
endif()
