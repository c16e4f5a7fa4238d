// The keys of `RUN --mount`, by type.
import Testing

@testable import BerthBuild

@Suite("Build: mounts of RUN")
struct RunMountTests {
    private static func text(_ mount: RunMount) -> String {
        var parts = [mount.kind.rawValue, mount.readOnly ? "ro" : "rw"]
        for (name, value) in [
            ("from", mount.from), ("source", mount.source), ("target", mount.target), ("id", mount.id),
            ("env", mount.environment), ("mode", mount.mode.map { String($0, radix: 8) }),
            ("uid", mount.userID.map(String.init)),
            ("gid", mount.groupID.map(String.init)), ("size", mount.sizeBytes.map(String.init)),
        ] {
            if let value { parts.append("\(name)=\(value)") }
        }
        if mount.sharing != .shared { parts.append(mount.sharing.rawValue) }
        if mount.required { parts.append("required") }
        return parts.joined(separator: " ")
    }

    /// `!` before what a mistake says.
    private static let rows: [(String, String)] = [
        ("target=/src", "bind ro target=/src"), ("type=bind,target=/src", "bind ro target=/src"),
        ("type=bind,dst=a,src=/x,from=base", "bind ro from=base source=/x target=a"),
        ("destination=/d,rw", "bind rw target=/d"), ("target=/d,readwrite=true", "bind rw target=/d"),
        ("target=/d,rw=false", "bind ro target=/d"), ("target=/d,ro=0", "bind rw target=/d"),
        ("target=/d,readonly=F", "bind rw target=/d"), ("target=/d,rw,ro", "bind ro target=/d"),
        ("TYPE=Bind,Target=/d", "bind ro target=/d"), ("type=bind", "bind ro"), ("target=", "bind ro"),
        ("source=/a=b", "bind ro source=/a=b"),
        ("\"target=/a,b\"", "bind ro target=/a,b"), ("\"target=/a\"\"b\"", "bind ro target=/a\"b"),
        ("target=/a b", "bind ro target=/a b"),
        ("type=bind,id=x,target=/d", "bind ro target=/d id=x"),
        ("type=cache,target=/c", "cache rw target=/c"), ("type=cache,target=/c,ro", "cache ro target=/c"),
        ("type=cache,target=/c,id=go,sharing=locked", "cache rw target=/c id=go locked"),
        ("type=cache,target=/c,sharing=PRIVATE", "cache rw target=/c private"),
        ("type=cache,target=/c,sharing=shared", "cache rw target=/c"),
        ("type=cache,target=/c,mode=0700,uid=10,gid=20", "cache rw target=/c mode=700 uid=10 gid=20"),
        ("type=cache,target=/c,from=seed,source=/s", "cache rw from=seed source=/s target=/c"),
        ("type=tmpfs,target=/t", "tmpfs rw target=/t"),
        ("type=tmpfs,target=/t,size=64m", "tmpfs rw target=/t size=67108864"),
        ("type=tmpfs,size=1.5g,target=/t", "tmpfs rw target=/t size=1610612736"),
        ("type=tmpfs,target=/t,size=10 kb", "tmpfs rw target=/t size=10240"),
        ("type=tmpfs,target=/t,size=100", "tmpfs rw target=/t size=100"),
        ("type=tmpfs,target=/t,size=2KiB", "tmpfs rw target=/t size=2048"),
        ("type=tmpfs,target=/t,size=7b", "tmpfs rw target=/t size=7"),
        ("type=secret,id=key", "secret ro id=key"), ("type=secret,target=/run/key", "secret ro target=/run/key"),
        ("type=secret,source=key,target=/k", "secret ro target=/k id=key"), ("type=secret,src=key", "secret ro id=key"),
        ("type=secret,id=key,env=TOKEN", "secret ro id=key env=TOKEN"),
        ("type=secret,id=key,required", "secret ro id=key required"),
        ("type=secret,id=key,required=true,mode=0444,uid=1,gid=2", "secret ro id=key mode=444 uid=1 gid=2 required"),
        ("type=secret,id=key,required=false", "secret ro id=key"), ("type=ssh", "ssh ro"),
        ("type=ssh,id=git,target=/s,required,mode=0600", "ssh ro target=/s id=git mode=600 required"),
        // Mistakes
        ("", "!csv"), ("type=bnid,target=/x", "!unsupported mount type \"bnid\""),
        ("type=,target=/x", "!unsupported mount type"),
        ("tagret=/x", "!did you mean target?"), ("target", "!must be a key=value pair"),
        ("nothing", "!unexpected key 'nothing'"),
        (" target=/x", "!unexpected key ' target'"), ("target=/x,", "!unexpected key ''"),
        ("\"target=/x", "!not closed"),
        ("target=/x\"", "!quote inside a field"), ("\"target=/x\"y", "!behind a quoted field"),
        ("target=/x,rw=maybe", "!invalid value for rw: maybe"),
        ("target=/x,ro=TRue", "!invalid value for ro"),
        ("target=/x,required", "!unexpected key 'required' for mount type 'bind'"),
        ("required,type=secret,id=a", "!unexpected key 'required'"),
        ("type=cache,target=/c,required=true", "!unexpected key 'required'"),
        ("target=/x,size=1m", "!unexpected key 'size'"), ("size=1m,type=tmpfs,target=/t", "!unexpected key 'size'"),
        ("type=tmpfs,target=/t,size=big", "!invalid value for size"),
        ("type=tmpfs,target=/t,size=1x", "!invalid value for size"),
        ("type=tmpfs,target=/t,size=-1", "!invalid value for size"),
        ("type=tmpfs,target=/t,size=0x10", "!invalid value for size"),
        ("type=tmpfs,target=/t,size=", "!invalid value for size"),
        ("type=tmpfs,target=/t,mode=0700", "!mode not allowed for \"tmpfs\""),
        ("target=/x,uid=1", "!uid not allowed for \"bind\""),
        ("target=/x,gid=1", "!gid not allowed"), ("type=cache,target=/c,mode=rwx", "!invalid value rwx for mode"),
        ("type=cache,target=/c,mode=9", "!invalid value 9 for mode"),
        ("type=cache,target=/c,uid=-1", "!invalid value -1 for uid"),
        ("type=cache,target=/c,gid=4294967296", "!invalid value 4294967296 for gid"),
        ("type=cache,target=/c,uid=+1", "!invalid value +1"),
        ("type=cache,target=/c,sharing=some", "!unsupported sharing value \"some\""),
        ("target=/x,sharing=shared", "!invalid cache sharing set for bind"),
        ("type=secret,id=a,sharing=shared", "!sharing"), ("type=secret", "!one of source, target required"),
        ("type=secret,env=A", "!one of source"),
        ("type=secret,id=a,source=b", "!both source and id"), ("type=secret,id=a,from=b", "!should not have a from"),
        ("target=/", "!invalid mount target"), ("type=tmpfs,target=//.", "!invalid mount target"),
        ("type=ssh,source=/x", "!ssh does not support source"),
    ]

    @Test("each type has its keys and its defaults")
    func rows() {
        for (text, expected) in RunMountTests.rows {
            do {
                let found = RunMountTests.text(try RunMount(parsing: text))
                if found != expected { Issue.record("\(text): \(found)") }
            } catch {
                let isMeant = expected.hasPrefix("!") && error.description.contains(expected.dropFirst())
                if !isMeant { Issue.record("\(text): \(error)") }
            }
        }
    }

    @Test("with variables in it, only what cannot become right is wrong")
    func variables() throws {
        for text in [
            "type=$KIND,target=/x", "type=cache,target=/x,mode=$MODE", "from=base,target=$HOME", "from=x$,target=/x",
        ] {
            try RunMount.check(text)
        }
        for text in ["from=$BASE,target=/x", "from=a${B},target=/x", "target=$X,\"y", "type=bnid,target=/x"] {
            #expect(throws: WordError.self, "\(text)") { try RunMount.check(text) }
        }
    }
}
