# Cross build for AArch64 on a Debian host; tests run under qemu-user.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
# The loader and the C library both come from Debian's :arm64 packages. (With -L /usr/aarch64-linux-gnu the loader
# would come from the cross packages, whose version may differ; programs with threads then hang.)
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64")
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
# FindOpenSSL asks pkg-config, which would name the host's libraries.
set(ENV{PKG_CONFIG_LIBDIR} "/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig")
