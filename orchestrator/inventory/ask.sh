# Run on the host and in the builder's base alike: what would compile and link, and what it would find.
# `[name]` begins an answer. POSIX sh; whatever is missing answers with nothing.
exec 2>/dev/null </dev/null
echo '[rustc]'
rustc -vV
cc=${CC:-cc}
echo '[cc]'
$cc --version
echo '[ld]'
# What rustc calls is a compiler that calls a linker, or a linker.
driver=${TWINBUILD_LINKER:-$cc}
case ${driver##*/} in
*lld* | *mold* | wild | ld | ld.* | *-ld | *-ld.*) ld=$driver ;;
*)
    case ${TWINBUILD_LINKER_BEHIND-} in
    '') ld=$($driver -print-prog-name=ld) ;;
    /*) ld=$TWINBUILD_LINKER_BEHIND ;;
    *) ld=$($driver -print-prog-name="ld.$TWINBUILD_LINKER_BEHIND") ;;
    esac
    ;;
esac
${ld:-ld} --version
echo '[modules]'
for name in $(pkg-config --list-all | cut -d ' ' -f 1 | LC_ALL=C sort); do
    echo "$name $(pkg-config --modversion "$name")"
done
echo '[packages]'
dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' | sed -n 's/^installed //p'
[ ! -r /lib/apk/db/installed ] || sed -n 's/^P://p; s/^V://p' /lib/apk/db/installed | paste -d ' ' - - |
    awk 'NF == 2 { print }'
echo '[end]'
