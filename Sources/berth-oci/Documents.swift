// Documents that berth-oci writes of itself: an example bundle (`spec`) and what it can do (`features`).
import BerthLinux
import BerthModel

enum Features {
    static let document = """
        {
          "ociVersionMin": "1.0.0",
          "ociVersionMax": "1.2.0",
          "hooks": ["prestart","createRuntime","createContainer","startContainer","poststart","poststop"],
          "mountOptions": ["async","atime","bind","defaults","dev","diratime","exec","noatime","nodev",
            "nodiratime","noexec","norelatime","nosuid","nosymfollow","private","ratime","rbind","rdev",
            "rdiratime","relatime","remount","rexec","rnoatime","rnodev","rnodiratime","rnoexec",
            "rnorelatime","rnosuid","ro","rprivate","rrelatime","rro","rrw","rshared","rslave",
            "rstrictatime","rsuid","runbindable","rw","shared","slave","strictatime","suid","tmpcopyup",
            "unbindable"],
          "linux": {
            "namespaces": ["cgroup","ipc","mount","network","pid","time","user","uts"],
            "cgroup": {"v1": true, "v2": true, "systemd": false, "systemdUser": false},
            "seccomp": {
              "enabled": true,
              "actions": ["SCMP_ACT_ALLOW","SCMP_ACT_ERRNO","SCMP_ACT_KILL","SCMP_ACT_KILL_PROCESS",
                "SCMP_ACT_KILL_THREAD","SCMP_ACT_LOG","SCMP_ACT_TRACE","SCMP_ACT_TRAP"],
              "operators": ["SCMP_CMP_EQ","SCMP_CMP_GE","SCMP_CMP_GT","SCMP_CMP_LE","SCMP_CMP_LT",
                "SCMP_CMP_MASKED_EQ","SCMP_CMP_NE"]
            },
            "apparmor": {"enabled": false},
            "selinux": {"enabled": false}
          }
        }
        """
}

extension Command {
    func writeSpec() throws {
        let path = "\(line.value("bundle") ?? ".")/config.json"
        if (try? FileStatus.of(path)) != nil {
            throw BerthError(.alreadyExists, "File config.json exists. Remove it first")
        }
        try FileIO.replace(path, Array(Command.example.utf8), mode: 0o666, durable: false)
    }

    private static let masked = [
        "acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "scsi",
    ]

    static let example = """
        {
          "ociVersion": "1.2.0",
          "process": {
            "terminal": true,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {
              "bounding": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
              "effective": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"],
              "permitted": ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]
            },
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": true
          },
          "root": {"path": "rootfs", "readonly": true},
          "hostname": "berth",
          "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
             "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
             "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
            {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
             "options": ["nosuid", "noexec", "nodev"]},
            {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
            {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
             "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}
          ],
          "linux": {
            "resources": {"devices": [{"allow": false, "access": "rwm"}]},
            "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"},
                           {"type": "mount"}, {"type": "cgroup"}],
            "maskedPaths": [\(masked.map { "\"/proc/\($0)\"" }.joined(separator: ", ")), "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
          }
        }

        """
}
