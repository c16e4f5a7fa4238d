// Rows S11, S12, S18, S19, S25, S28: control groups, sysctls, masked files, devices and limits, tried from inside.
import Foundation
import Testing

@Suite("End to end: attacks on the kernel's files", .serialized)
struct AttackKernelTests {
    @Test("S11, S12: no control group is written from inside, with a view of one's own and with the host's")
    func controlGroups() throws {
        try withHost { world, _ in
            for mode in ["private", "host"] {
                let up = try world.up("cgroup: \(mode)")
                #expect(up.status == 0, "\(up)")
                let made = try world.inside(
                    "a",
                    "find /sys/fs/cgroup -type d | while read d; do mkdir $d/evil 2>&1; done | sed 's/.*: //' | sort -u"
                )
                #expect(made == "Read-only file system", "\(mode): \(made)")
                let written = try world.inside(
                    "a",
                    "find /sys/fs/cgroup -type f \\( -name tasks -o -name cgroup.procs -o -name release_agent -o -name notify_on_release \\) "
                        + "| while read f; do (echo 0 > $f) 2>&1; done | sed 's/.*: //' | sort -u")
                #expect(written == "Read-only file system", "\(mode): \(written)")
                let escape = try world.inside(
                    "a",
                    "unshare -Ur true 2>&1; mkdir /tmp/cg; mount -t cgroup -o memory none /tmp/cg 2>&1; "
                        + "mount -t cgroup2 none /tmp/cg 2>&1; mount -o remount,rw /sys/fs/cgroup 2>&1; true")
                #expect(escape.split(separator: "\n").count == 4 && !escape.contains("tmp/cg/"), "\(escape)")
                #expect(
                    escape.split(separator: "\n").allSatisfy {
                        $0.lowercased().contains("permi") || $0.contains("denied")
                    }, "\(escape)")
                #expect(try world.run("down", "-t", "0").status == 0)
            }
        }
    }

    @Test("S18: only what a container has for itself is set, by its plain name and with one line of value")
    func sysctls() throws {
        try withHost { world, canary in
            let rows = [
                ("kernel.core_pattern: x", ""), ("net/../kernel/core_pattern: x", ""),
                ("net.ipv4/../../kernel.core_pattern: x", ""),
                ("kernel.hostname: x", ""), ("vm.overcommit_memory: 1", ""), ("fs.file-max: 1000", ""),
                ("net.ipv4.ip_forward: \"1\\nkernel.core_pattern=x\"", ""),
                ("\"kernel.shm_rmid_forced+kernel.core_pattern\": 1", ""),
                ("\" kernel.msgmax\": 1", ""), ("net.core.somaxconn: 5", "network_mode: host"),
                ("kernel.msgmax: 5", "ipc: host"), ("fs.mqueue.msg_max: 5", "ipc: host"),
                ("net..core.somaxconn: 5", ""),
            ]
            let look =
                "cat /proc/sys/kernel/core_pattern /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max /proc/sys/fs/file-max /proc/sys/vm/overcommit_memory"
            let before = try world.onHost(look).stdout
            for (line, other) in rows {
                let up = try world.up("sysctls: {\(line)}\n\(other)")
                #expect(up.status != 0, "\(line): \(up)")
                #expect(try world.onHost(look).stdout == before, "\(line)")
            }
            #expect(try world.onHost("cat /proc/sys/net/core/somaxconn").stdout != "5\n")
            let own = try world.up("sysctls: {kernel.msgmax: 4321, fs.mqueue.msg_max: 7, net.core.somaxconn: 99}")
            #expect(own.status == 0, "\(own)")
            #expect(
                try world.inside(
                    "a", "cat /proc/sys/kernel/msgmax /proc/sys/fs/mqueue/msg_max /proc/sys/net/core/somaxconn")
                    == "4321\n7\n99")
            #expect(try world.onHost(look).stdout == before)
        }
    }

    @Test("S19: what tells of the host is empty and cannot be written, in a service and in a step of a build")
    func masked() throws {
        let script = """
            for f in acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats; do
              p=/proc/$f
              if [ -d $p ]; then ls -A $p; mkdir $p/x 2>/dev/null && echo made $p; else [ ! -e $p ] || head -c 10 $p; (echo x > $p) 2>/dev/null; fi
            done
            for d in /sys/firmware /sys/devices/virtual/powercap /sys/devices/system/cpu/cpu*/thermal_throttle; do
              [ ! -e $d ] || { ls -A $d; mkdir $d/x 2>/dev/null && echo made $d; }
            done
            for f in bus fs irq sys; do touch /proc/$f/x 2>/dev/null && echo touched $f; done
            for f in /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /sys/kernel/mm/ksm/run; do
              (echo x > $f) 2>/dev/null && echo wrote $f
            done
            umount /proc/keys 2>/dev/null && echo unmounted
            mount -o remount,rw /proc/sys 2>/dev/null && echo remounted
            echo over

            """
        try withHost { world, _ in
            try world.write("look", script)
            try world.write("Dockerfile", "FROM localhost/busybox:1\nCOPY look /look\nRUN sh /look > /saw; true\n")
            #expect(try world.run("image", "build", "-t", "localhost/saw:1", ".").status == 0)
            #expect(try world.up("", image: "localhost/saw:1").status == 0)
            #expect(try world.inside("a", "sh /look; cat /saw") == "over\nover")
            #expect(
                try world.up("read_only: true\nsecurity_opt: [\"systempaths=unconfined\"]", image: "localhost/saw:1")
                    .status == 0)
            #expect(
                try world.inside("a", "wc -c < /proc/timer_list") != "0", "the option shows what is masked without it")
        }
    }

    @Test(
        "S25: a node of the host's disk can be made and not be opened, beside the main program and in a build, too"
    )
    func devices() throws {
        try withHost { world, _ in
            let up = try world.up(
                "",
                command:
                    "[\"sh\", \"-c\", \"mknod /tmp/disk b 254 0; mknod /tmp/mem c 1 1; mknod /tmp/kmsg c 1 11; for d in disk mem kmsg; do head -c 1 /tmp/$$d; done > /tmp/saw 2>&1; exec sleep 1000\"]"
            )
            #expect(up.status == 0, "\(up)")
            let denied =
                "head: /tmp/disk: Operation not permitted\nhead: /tmp/mem: Operation not permitted\nhead: /tmp/kmsg: Operation not permitted"
            let isDenied = try eventually { try world.inside("a", "cat /tmp/saw") == denied }
            let saw = try world.inside("a", "cat /tmp/saw")
            #expect(isDenied, "\(saw)")
            let beside = try world.inside(
                "a",
                "mknod /tmp/other b 8 0; for d in disk mem kmsg; do head -c 1 /tmp/$d; done 2>&1; head -c 1 /tmp/other 2>&1"
            )
            #expect(beside == denied + "\nhead: /tmp/other: Operation not permitted", "\(beside)")
            let probe = try world.up(
                "healthcheck: {test: \"mknod /tmp/d b 8 0; head -c 1 /tmp/d 2> /tmp/probe\", interval: 100ms}")
            #expect(probe.status == 0)
            #expect(
                try eventually { try world.inside("a", "cat /tmp/probe") == "head: /tmp/d: Operation not permitted" })
            try world.write("Dockerfile", "FROM localhost/busybox:1\nRUN mknod /d b 8 0; head -c 1 /d 2> /saw; true\n")
            #expect(try world.run("image", "build", "-t", "localhost/saw:1", ".").status == 0)
            #expect(try world.up("", image: "localhost/saw:1").status == 0)
            #expect(try world.inside("a", "cat /saw") == "head: /d: Operation not permitted")
        }
    }

    @Test("S28: a fork bomb ends at its limit, a hog of memory at its own, and the container stops at once")
    func bombs() throws {
        try withHost { world, _ in
            let up = try world.up("pids_limit: 40\nmem_limit: 24m\nmemswap_limit: 24m")
            #expect(up.status == 0, "\(up)")
            let many = try world.run(
                "exec", "-T", "a", "sh", "-c", "i=0; while [ $i -lt 60 ]; do sleep 2 & i=$((i+1)); done; echo all")
            #expect(!many.stdout.contains("all") && many.stderr.contains("fork"), "\(many)")
            _ = try world.inside("a", "b() { b | b & }; b 2>/dev/null; sleep 0.3")
            let groups = LeakScan.cgroups(ofWorldAt: world.dataRoot)
            let count = try Shell.run(
                "cat \(groups.map { "'\($0)/pids.current'" }.joined(separator: " ")) 2>/dev/null | sort -n | tail -1"
            ).stdout
            #expect((Int(count.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 99) <= 41, "\(count)")
            let stopped = try world.run("stop", "-t", "0")
            #expect(stopped.status == 0, "\(stopped)")
            #expect(try world.run("start").status == 0)
            let hog = try world.run("exec", "-T", "a", "sh", "-c", "head -c 200m /dev/zero | tail | wc -c; echo ended")
            #expect(!hog.stdout.contains("209715200"), "\(hog)")
        }
    }
}
