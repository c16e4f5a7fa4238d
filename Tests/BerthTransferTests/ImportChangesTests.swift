// `image import --change`: Dockerfile lines and what they make of the config.
import BerthModel
import Testing

@testable import BerthTransfer

@Suite("Import changes")
struct ImportChangesTests {
    static func applied(_ changes: String...) throws -> ImageConfig.Execution { try ImportChanges.apply(changes) }

    @Test("commands: lists, and lines for the shell")
    func commands() throws {
        #expect(try ImportChangesTests.applied(#"CMD ["a", "b c"]"#).Cmd == ["a", "b c"])
        #expect(try ImportChangesTests.applied("cmd echo hello").Cmd == ["/bin/sh", "-c", "echo hello"])
        #expect(try ImportChangesTests.applied("CMD [broken").Cmd == ["/bin/sh", "-c", "[broken"])
        #expect(try ImportChangesTests.applied(#"ENTRYPOINT ["/init"]"#).Entrypoint == ["/init"])
        #expect(try ImportChangesTests.applied("CMD a", "CMD b").Cmd == ["/bin/sh", "-c", "b"])
    }

    @Test("variables and labels: pairs, quotes, the old form, the last one wins")
    func pairs() throws {
        #expect(
            try ImportChangesTests.applied(#"ENV A=1 B="two words" C='$x' D=a\ b"#).Env == [
                "A=1", "B=two words", "C=$x", "D=a b",
            ])
        #expect(try ImportChangesTests.applied("ENV A the rest of it").Env == ["A=the rest of it"])
        #expect(try ImportChangesTests.applied("ENV A=1", "ENV B=2", "ENV A=3").Env == ["B=2", "A=3"])
        #expect(try ImportChangesTests.applied("ENV A=").Env == ["A="])
        #expect(try ImportChangesTests.applied(#"LABEL a.b=c "d e"="f""#).Labels == ["a.b": "c", "d e": "f"])
    }

    @Test("ports, volumes, directories, users, signals")
    func others() throws {
        let ports = try ImportChangesTests.applied("EXPOSE 80 53/udp 8000-8002").ExposedPorts
        #expect(ports?.keys.sorted() == ["53/udp", "80/tcp", "8000/tcp", "8001/tcp", "8002/tcp"])
        #expect(
            try ImportChangesTests.applied(#"VOLUME ["/a b"]"#, "VOLUME /c /d").Volumes?.keys.sorted() == [
                "/a b", "/c", "/d",
            ])
        #expect(try ImportChangesTests.applied("WORKDIR /a", "WORKDIR b").WorkingDir == "/a/b")
        #expect(try ImportChangesTests.applied("WORKDIR b").WorkingDir == "/b")
        #expect(try ImportChangesTests.applied("USER 1000:1000").User == "1000:1000")
        #expect(try ImportChangesTests.applied("STOPSIGNAL SIGQUIT").StopSignal == "SIGQUIT")
        #expect(try ImportChangesTests.applied("ONBUILD RUN x") == ImageConfig.Execution())
    }

    @Test("health checks")
    func health() throws {
        let check = try #require(
            try ImportChangesTests.applied("HEALTHCHECK --interval=1m30s --timeout=500ms --retries=3 CMD wget x")
                .Healthcheck)
        #expect(check.Test == ["CMD-SHELL", "wget x"])
        #expect(check.Interval == 90_000_000_000 && check.Timeout == 500_000_000 && check.Retries == 3)
        #expect(try ImportChangesTests.applied(#"HEALTHCHECK CMD ["a"]"#).Healthcheck?.Test == ["CMD", "a"])
        #expect(try ImportChangesTests.applied("HEALTHCHECK NONE").Healthcheck?.Test == ["NONE"])
    }

    @Test(
        "refused",
        arguments: [
            "", "CMD", "CMD ", "RUN x", "FROM x", "ENV A", "ENV =b", "ENV A=1 b", "LABEL x", "EXPOSE 0", "EXPOSE x",
            "EXPOSE 70000",
            "EXPOSE 80/icmp", "EXPOSE 9-8", "EXPOSE 1-2-3", "EXPOSE 80/tcp/udp", "STOPSIGNAL NOPE", "HEALTHCHECK",
            "HEALTHCHECK x",
            "HEALTHCHECK CMD", "HEALTHCHECK --interval CMD x", "HEALTHCHECK --interval=x CMD y",
            "HEALTHCHECK --nope=1s CMD y",
            "HEALTHCHECK --interval=9999999999h CMD y", "VOLUME [\"\"]",
        ])
    func refused(change: String) {
        #expect(throws: BerthError.self) { try ImportChanges.apply([change]) }
    }
}
