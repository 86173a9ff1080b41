# shellcheck shell=sh
# Sourced by ./stepcast and ./run-tests after `root` and `build` are set: packages, lock, build.
# Everything it says goes to stderr; a set-up that fails exits 5.
log=${build:?}/setup.log

say() { printf 'stepcast: %s\n' "$*" >&2; }

setup_failed() {
  say "$1"
  exit 5
}

# missing_packages GROUP...: what packages.txt lists for the groups and dpkg does not know.
missing_packages() {
  command -v dpkg-query >/dev/null 2>&1 || return 0
  for group in "$@"; do
    sed -n "s/^$group  *//p" "${root:?}/packages.txt" | while read -r package; do
      case $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) in
        *' installed') ;;
        *) printf '%s ' "$package" ;;
      esac
    done
  done
}

install_packages() {
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  ask="ask an administrator to run: apt-get install --no-install-recommends $missing"
  [ "$(id -u)" = 0 ] || setup_failed "Debian packages are missing; $ask"
  say "installing Debian packages: $missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -q update >>"$log" 2>&1 </dev/null 9>&-
  # shellcheck disable=SC2086  # one argument a package
  apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing \
    >>"$log" 2>&1 </dev/null 9>&- || {
    tail -n 5 "$log" >&2
    setup_failed "the packages could not be installed; $ask"
  }
}

# A build folder made elsewhere (a copied or moved checkout) is of no use here.
drop_foreign_build() {
  [ -f "$build/CMakeCache.txt" ] || return 0
  grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$build/CMakeCache.txt" || rm -rf "$build"
}

# logged WHAT COMMAND...: runs it with its output in the log, whose end is shown when it fails.
logged() {
  what=$1
  shift
  "$@" >>"$log" 2>&1 </dev/null 9>&- && return 0
  tail -n 40 "$log" >&2
  setup_failed "$what failed; the whole output is in $log"
}

# mpi_is_new GROUP...: MPI is asked for, and the build folder was configured without it.
mpi_is_new() {
  case " $* " in
    *' mpi '*) ! grep -q 'EXECUTABLE target stepcast-mpi' "$build/build.ninja" ;;
    *) return 1 ;;
  esac
}

# set_up GROUPS TARGET...: builds the targets, one process at a time. Descriptor 9 is the lock.
set_up() {
  groups=$1
  shift
  mkdir -p "$root/build" 2>/dev/null
  [ -w "$root/build" ] || setup_failed "cannot write to $root/build"
  exec 9>"$root/build/.lock"
  flock 9
  drop_foreign_build
  mkdir -p "$build"
  : >"$log"
  # shellcheck disable=SC2086  # one argument a group
  install_packages $groups
  # The stamp is as old as the start of the build: what changes meanwhile counts as changed.
  printf '%s\n' "$root" >"$build/.started"
  if [ ! -f "$build/build.ninja" ]; then
    say 'building for the first time; this takes a few minutes'
  elif [ ! -x "$build/stepcast" ] || [ -n "$missing" ]; then
    say 'building'
  fi
  if [ ! -f "$build/build.ninja" ] || [ -n "$missing" ] || mpi_is_new "$groups"; then
    logged 'configuring' cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release
  fi
  logged 'building' cmake --build "$build" --target "$@"
  mv "$build/.started" "$build/.stamp"
  exec 9>&-
}
