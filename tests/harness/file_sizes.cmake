# Sources stay readable: at most 300 lines and 100 columns. Run: cmake -P tests/harness/file_sizes.cmake
cmake_minimum_required(VERSION 3.25)
get_filename_component(root ${CMAKE_CURRENT_LIST_DIR}/../.. ABSOLUTE)
set(limit 300)

# Files that may be longer, each with its reason.
set(allowed "")

foreach(folder sim topologies collectives models strategies scenarios studies formats reports apps
        tests)
  file(GLOB_RECURSE files RELATIVE ${root} ${root}/${folder}/*.hpp ${root}/${folder}/*.cpp)
  foreach(file IN LISTS files)
    file(READ ${root}/${file} text)
    string(REGEX MATCHALL "\n" ends "${text}")
    list(LENGTH ends lines)
    if(lines GREATER limit AND NOT file IN_LIST allowed)
      message(SEND_ERROR "${file}: ${lines} lines, the limit is ${limit}")
    endif()
  endforeach()
endforeach()
