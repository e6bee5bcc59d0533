# Runs one command, and leaves behind who it was and how it ended, whatever becomes of the agent meanwhile.
#
#   sh shim.sh FOLDER LIMITS COMMAND [ARGUMENT ...]
#
# It is started as the leader of its own session and process group, with the command's output already redirected.
# Builtins only: a run costs its own command and this shell. A file is complete when its last line ends.

folder=$1 limits=$2
shift 2
umask 077

# A signal to the group is meant for the command; the shim stays, to write the status. A trap is not inherited by
# the command, as an ignored signal would be.
trap : HUP INT QUIT TERM

# noclobber: whoever creates this file owns the start of the run, another shim or the agent itself. It happens once.
set -C
read -r boot </proc/sys/kernel/random/boot_id && read -r stat </proc/$$/stat && read -r now </proc/uptime || exit
printf '%s\n%s\n%s\n' "$boot" "$stat" "$now" >"$folder/process" || exit

limited() {
    for limit in $limits; do
        ulimit "-${limit%%=*}" "${limit#*=}" || return 125
    done
    "$@"
}

limited "$@"
status=$?
read -r now </proc/uptime
printf '%s %s\n' "$status" "$now" >"$folder/exit"

# The run is over when its command is: whatever that left in the group goes now, the shim itself last.
kill -KILL 0
