# pellucid_web_assets(FOLDER): builds web/ with npm and puts the files into the library of that folder, each as it is and
# compressed, behind pellucid/report/assets.h.
function(pellucid_web_assets folder)
  find_program(PELLUCID_NODE NAMES node nodejs REQUIRED)
  find_program(PELLUCID_NPM npm REQUIRED)
  set(web ${PROJECT_SOURCE_DIR}/web)
  set(dist ${PROJECT_BINARY_DIR}/web)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${web}/src/* ${web}/*.mjs ${web}/words.zh.json)
  list(FILTER sources EXCLUDE REGEX "/node_modules/")
  file(GLOB samples CONFIGURE_DEPENDS ${web}/samples/*.webp)
  set(names index.html page.js page.css report.html words.zh.json)
  foreach(sample IN LISTS samples)
    get_filename_component(name ${sample} NAME)
    list(APPEND names ${name})
  endforeach()
  set(files "")
  foreach(name IN LISTS names)
    list(APPEND files ${dist}/${name} ${dist}/${name}.gz)
  endforeach()

  # npm's own list of what it has installed is the stamp: other builds of this checkout share the folder.
  set(installed ${web}/node_modules/.package-lock.json)
  add_custom_command(OUTPUT ${installed}
    COMMAND ${PELLUCID_NPM} ci --ignore-scripts --no-audit --no-fund --loglevel=error
    COMMAND ${CMAKE_COMMAND} -E touch ${installed}
    DEPENDS ${web}/package.json ${web}/package-lock.json
    WORKING_DIRECTORY ${web} COMMENT "Installing what web/ is built with" VERBATIM)
  add_custom_command(OUTPUT ${files}
    COMMAND ${PELLUCID_NODE} build.mjs ${dist}
    DEPENDS ${installed} ${sources} ${samples} ${PROJECT_SOURCE_DIR}/pellucid/render/colormap.cpp
    WORKING_DIRECTORY ${web} COMMENT "Building web/" VERBATIM)

  set(generated ${PROJECT_BINARY_DIR}/generated/web_assets.cpp)
  set(blocks "")
  set(rows "")
  set(index 0)
  foreach(name IN LISTS names)
    pellucid_media_type(${name} type)
    string(APPEND blocks "PELLUCID_ASSET(asset_${index}, \"${dist}/${name}\")\n"
      "PELLUCID_ASSET(packed_${index}, \"${dist}/${name}.gz\")\n")
    string(APPEND rows "      {\"${name}\", \"${type}\", bytes_of(asset_${index}, asset_${index}_end),\n"
      "       bytes_of(packed_${index}, packed_${index}_end)},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  configure_file(${PROJECT_SOURCE_DIR}/cmake/web_assets.cpp.in ${generated} @ONLY)
  set_source_files_properties(${generated} PROPERTIES OBJECT_DEPENDS "${files}" SKIP_PRECOMPILE_HEADERS ON)
  target_sources(pellucid_${folder} PRIVATE ${generated})
endfunction()

function(pellucid_media_type name result)
  set(html "text/html; charset=utf-8")
  set(js "text/javascript; charset=utf-8")
  set(css "text/css; charset=utf-8")
  set(jpg image/jpeg)
  set(png image/png)
  set(webp image/webp)
  set(svg image/svg+xml)
  set(json application/json)
  get_filename_component(extension ${name} LAST_EXT)
  string(SUBSTRING ${extension} 1 -1 extension)
  if(NOT DEFINED ${extension})
    message(FATAL_ERROR "web/: no media type is known for ${name}")
  endif()
  set(${result} "${${extension}}" PARENT_SCOPE)
endfunction()
