// The image that the suites use: Debian's static busybox with a link for each applet, made once per machine state.
import Foundation

enum BusyboxImage {
    private static let lock = NSLock()

    /// The path of a root tree as a tar archive.
    static func path() throws -> String {
        lock.lock()
        defer { lock.unlock() }
        let archive = "\(NSTemporaryDirectory())/berth-busybox-\(getpid()).tar"
        if FileManager.default.fileExists(atPath: archive) { return archive }
        let script = """
            set -e
            r=$(mktemp -d); trap 'rm -r "$r"' EXIT
            mkdir -p $r/bin $r/etc $r/tmp $r/proc $r/sys $r/dev $r/root $r/var $r/usr $r/srv/seed
            chmod 1777 $r/tmp
            cp /bin/busybox $r/bin/busybox
            for a in $(/bin/busybox --list); do [ $a = busybox ] || ln -s busybox $r/bin/$a; done
            ln -s ../bin $r/usr/bin
            printf 'root:x:0:0:root:/root:/bin/sh\\nguest:x:1000:1000:guest:/home/guest:/bin/sh\\n' > $r/etc/passwd
            printf 'root:x:0:\\nguest:x:1000:\\nextra:x:2000:guest\\n' > $r/etc/group
            echo seeded > $r/srv/seed/file; chown 1000:1000 $r/srv/seed
            tar -C $r --numeric-owner -cf '\(archive)' .
            """
        let made = try Shell.run(script)
        guard made.status == 0 else { throw WorldError("making the busybox image: \(made)") }
        return archive
    }
}
