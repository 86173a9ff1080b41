# ctest cannot run a Catch test whose name holds a semicolon: it passes as "no tests ran".
# Run: cmake -P tests/harness/test_names.cmake
cmake_minimum_required(VERSION 3.25)
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)

file(GLOB_RECURSE files RELATIVE ${root} ${root}/tests/*.cpp)
foreach(file IN LISTS files)
  file(READ ${root}/${file} text)
  string(REGEX MATCH "TEST_CASE\\(\"[^\"]*;[^\"]*" name "${text}")
  if(NOT name STREQUAL "")
    message(SEND_ERROR "${file}: ${name}: no semicolon in the name of a test")
  endif()
endforeach()
