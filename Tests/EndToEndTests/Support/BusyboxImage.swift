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
            # Static programs load these when they look a name up.
            mkdir -p $r/lib64 $r/lib/x86_64-linux-gnu
            for l in libc.so.6 libnss_dns.so.2 libnss_files.so.2 libresolv.so.2 ld-linux-x86-64.so.2; do cp -L /lib/*-linux-gnu/$l $r/lib/x86_64-linux-gnu/; done
            cp -L /lib64/ld-linux-x86-64.so.2 $r/lib64/
            echo 'hosts: files dns' > $r/etc/nsswitch.conf
            printf 'root:x:0:0:root:/root:/bin/sh\\nguest:x:1000:1000:guest:/home/guest:/bin/sh\\n' > $r/etc/passwd
            printf 'root:x:0:\\nguest:x:1000:\\nextra:x:2000:guest\\n' > $r/etc/group
            echo seeded > $r/srv/seed/file; chown 1000:1000 $r/srv/seed
            tar -C $r --numeric-owner -cf '\(archive)' .
            """
        let made = try Shell.run(script)
        guard made.status == 0 else { throw WorldError("making the busybox image: \(made)") }
        // Made once for this process, and gone with it.
        atexit { unlink("\(NSTemporaryDirectory())/berth-busybox-\(getpid()).tar") }
        return archive
    }
}
