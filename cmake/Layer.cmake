# SPDX-License-Identifier: GPL-2.0-or-later
# A layer is a top-level folder built as one static library. Its headers are visible as <folder>/x.h to the layers that
# link it, and to nobody else: each layer has an include directory of its own that holds one symbolic link to the folder,
# so including a header of a higher layer does not compile.

add_library(mediant_flags INTERFACE)
target_compile_options(mediant_flags INTERFACE
  -Wall -Wextra -Wpointer-arith -Wvla -Wundef
  $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition>
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-variable-sized-type-not-at-end> # kernel structures with an array at their end, and the array
  -Wno-unused-parameter -fno-strict-aliasing -fno-common
  $<$<BOOL:${MEDIANT_WERROR}>:-Werror>)
target_compile_definitions(mediant_flags INTERFACE _GNU_SOURCE G_LOG_DOMAIN="mediant")
if(MEDIANT_SANITIZE)
  string(REPLACE "-g " "-g1 " CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO} ") # reports need lines, not variables
  string(REPLACE "-g " "-g1 " CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO} ")
  target_compile_options(mediant_flags INTERFACE -fsanitize=${MEDIANT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  target_link_options(mediant_flags INTERFACE -fsanitize=${MEDIANT_SANITIZE})
endif()
if(MEDIANT_SANITIZE MATCHES thread)
  # The sanitizer does not see fences: it may report too much where one is used, which is not an error of the build.
  target_compile_options(mediant_flags INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-tsan>)
  # Programs only: in a library the definitions would not be the first that the linker finds.
  add_library(tsan_glib OBJECT ${CMAKE_SOURCE_DIR}/cmake/tsan_glib.c)
  target_link_libraries(tsan_glib PRIVATE mediant_flags PkgConfig::GLIB)
  target_sources(mediant_flags INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:tsan_glib>>)
  target_link_libraries(mediant_flags INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:PkgConfig::GLIB> ${CMAKE_DL_LIBS})
endif()

# mediant_layer(NAME [BELOW layer...] [USES target...] SOURCES file...)
function(mediant_layer name)
  cmake_parse_arguments(L "" "" "BELOW;USES;SOURCES" ${ARGN})
  set(view ${CMAKE_BINARY_DIR}/layers/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${name} ${view}/${name} SYMBOLIC)
  add_library(${name} STATIC ${L_SOURCES})
  target_include_directories(${name} PUBLIC ${view})
  target_link_libraries(${name} PUBLIC ${L_BELOW} ${L_USES} PkgConfig::GLIB Threads::Threads PRIVATE mediant_flags)
endfunction()
