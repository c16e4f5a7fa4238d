// Each rule on a file that breaks it and on one that does not.
import BerthModel
import BerthTesting
import Testing

@testable import BerthBuild

@Suite("Build: checks")
struct DockerfileChecksTests {
    private static func remarks(
        _ text: String, arguments: [String] = [], ignore: IgnorePatterns? = nil,
        inherited: @escaping (DockerfileStage) -> Set<String>? = { _ in ["PATH"] }
    ) -> [Diagnostic] {
        let (dockerfile, diagnostics) = DockerfileParser.parse(text, file: "Dockerfile")
        guard let dockerfile else {
            Issue.record("\(text): \(diagnostics)")
            return []
        }
        return DockerfileChecks.run(
            dockerfile, text: text, buildArguments: arguments, ignore: ignore, inherited: inherited)
    }

    private static func names(_ remarks: [Diagnostic]) -> [String] {
        remarks.map { "\($0.place?.line ?? 0) \($0.path)" }
    }

    /// A file, and the line and rule of each remark.
    private static let rows: [(String, [String])] = [
        ("FROM scratch\nCOPY a /b\n", []),
        // The file
        ("FROM a\nrun x\nRUN y\n", ["2 ConsistentInstructionCasing"]),
        ("from a\nrun x\nRUN y\n", ["3 ConsistentInstructionCasing"]),
        ("FROM a\nRun x\n", ["2 ConsistentInstructionCasing"]), ("from a\nRUN x\n", ["1 ConsistentInstructionCasing"]),
        ("arg A\nFROM a\nRUN x\n", []),
        ("FROM a AS x\nFROM a AS X\n", ["2 DuplicateStageName", "2 StageNameCasing"]),
        ("FROM a AS x\nFROM a AS y\n", []),
        ("FROM a AS scratch\n", ["1 ReservedStageName"]), ("FROM a AS context\n", ["1 ReservedStageName"]),
        ("FROM a AS contexts\n", []),
        ("FROM a\nRUN x \\\n\n  y\n", ["3 NoEmptyContinuation"]), ("FROM a\nRUN x \\\n# c\n  y\n", []),
        ("# check=skip=NoEmptyContinuation\nFROM a\nRUN x \\\n\n  y\n", []),
        ("FROM a\nMAINTAINER me\n", ["2 MaintainerDeprecated"]),
        // FROM
        ("FROM a AS Base\n", ["1 StageNameCasing"]), ("FROM a AS base\n", []), ("FROM a as base\n", ["1 FromAsCasing"]),
        ("from a as base\n", []), ("from a AS base\n", ["1 FromAsCasing"]), ("FROM a As base\n", ["1 FromAsCasing"]),
        ("FROM --platform=$BUILDPLATFORM a as base\n", ["1 FromAsCasing"]),
        ("ARG TAG\nFROM a:$TAG\n", ["2 InvalidDefaultArgInFrom"]), ("ARG TAG=1\nFROM a:$TAG\n", []),
        ("FROM a:${TAG:-1}\n", ["1 UndefinedArgInFrom"]),
        ("ARG IMAGE\nFROM ${IMAGE}\n", ["2 InvalidDefaultArgInFrom"]), ("ARG IMAGE\nFROM ${IMAGE:-alpine}\n", []),
        ("ARG A=a B=$A:1\nFROM $B\n", []),
        ("ARG N=\"two words\"\nFROM $N\n", ["2 InvalidDefaultArgInFrom"]), ("FROM scratch\n", []),
        ("FROM a-$TARGETARCH\n", []),
        ("ARG VERSION=1\nFROM a:$VERSON\n", ["2 InvalidDefaultArgInFrom", "2 UndefinedArgInFrom"]),
        ("FROM --platform=$PLATFORM a\n", ["1 UndefinedArgInFrom"]),
        ("FROM --platform=$TARGETPLATFORM a\n", ["1 RedundantTargetPlatform"]),
        ("FROM --platform=${TARGETPLATFORM} a\n", ["1 RedundantTargetPlatform"]),
        ("FROM --platform=$BUILDPLATFORM a\n", []),
        ("FROM --platform=linux/amd64 a\n", ["1 FromPlatformFlagConstDisallowed"]),
        ("FROM --platform=linux/amd64 a AS build_amd64\n", []), ("FROM --platform=linux/arm64 a AS build-linux\n", []),
        ("ARG P=linux/arm64\nFROM --platform=$P a\n", []),
        ("FROM --platform=linux/arm64 a AS x\n", ["1 FromPlatformFlagConstDisallowed"]),
        // Variables
        ("FROM scratch\nCOPY $NAME /\n", ["2 UndefinedVar"]), ("FROM scratch\nARG NAME\nCOPY $NAME /\n", []),
        ("FROM scratch\nENV NAME=a\nCOPY $NAME /\n", []),
        ("FROM scratch\nCOPY ${NAME:-a} /\n", ["2 UndefinedVar"]),
        ("ARG NAME=a\nFROM scratch\nCOPY $NAME /\n", ["3 UndefinedVar"]),
        ("FROM scratch\nENV A=$B B=1\n", ["2 UndefinedVar"]), ("FROM scratch\nENV PATH=/x:$PATH\n", []),
        ("FROM scratch\nRUN echo $NAME\n", []),
        ("FROM scratch\nCMD [\"$NAME\"]\n", []), ("FROM scratch\nCOPY '$NAME' \\$X /\n", []),
        ("FROM scratch\nLABEL a=$X b=$X c=$Y\n", ["2 UndefinedVar", "2 UndefinedVar"]),
        (
            "FROM scratch\nUSER $A\nVOLUME $B\nSTOPSIGNAL $C\nWORKDIR $D\n",
            ["2 UndefinedVar", "3 UndefinedVar", "4 UndefinedVar", "5 UndefinedVar"]
        ),
        ("FROM scratch\nCOPY <<EOF /x\n$A \"$PATH\"\nEOF\nCOPY <<'EOF' /y\n$B\nEOF\n", ["2 UndefinedVar"]),
        ("FROM scratch\nARG A=$B\n", ["2 UndefinedVar"]),
        ("FROM scratch\nRUN --mount=type=cache,target=$X true\n", ["2 UndefinedVar"]),
        ("FROM scratch\nCOPY --chown=$U a /\n", ["2 UndefinedVar"]),
        ("FROM a AS one\nARG A\nENV B=1\nFROM one\nCOPY $A $B /\n", []),
        ("FROM a AS one\nENV B=1\nFROM a\nCOPY $B /\n", ["4 UndefinedVar"]),
        // Instructions
        ("FROM a\nCMD run it\n", ["2 JSONArgsRecommended"]), ("FROM a\nENTRYPOINT run it\n", ["2 JSONArgsRecommended"]),
        ("FROM a\nCMD [\"run\"]\n", []),
        ("FROM a\nSHELL [\"bash\", \"-c\"]\nCMD run it\n", []),
        ("FROM a AS b\nSHELL [\"bash\", \"-c\"]\nFROM b\nCMD run it\n", []),
        ("FROM a\nRUN run it\nHEALTHCHECK CMD x\n", []),
        ("FROM a\nENV A b\nLABEL c d\n", ["2 LegacyKeyValueFormat", "3 LegacyKeyValueFormat"]),
        ("FROM a\nENV A=b\nLABEL \"a b\"=c\n", []),
        ("FROM a\nENV A \\\n  b=c\n", ["2 LegacyKeyValueFormat"]),
        (
            "FROM a\nCMD [\"a\"]\nCMD [\"b\"]\nCMD [\"c\"]\n",
            ["2 MultipleInstructionsDisallowed", "3 MultipleInstructionsDisallowed"]
        ),
        (
            "FROM a\nENTRYPOINT [\"a\"]\nENTRYPOINT [\"b\"]\nHEALTHCHECK NONE\nHEALTHCHECK CMD x\n",
            ["2 MultipleInstructionsDisallowed", "4 MultipleInstructionsDisallowed"]
        ),
        ("FROM a AS x\nCMD [\"a\"]\nFROM x\nCMD [\"b\"]\n", []),
        (
            "FROM a\nARG API_KEY\nENV DB_PASSWORD=x TOKEN=y\n",
            ["2 SecretsUsedInArgOrEnv", "3 SecretsUsedInArgOrEnv", "3 SecretsUsedInArgOrEnv"]
        ),
        ("FROM a\nARG PUBLIC_KEY\nENV KEY_FILE=x TOKEN_VERSION=1 KEYBOARD=de MONKEY=1\n", []),
        ("FROM a\nENV auth=x apikey=y\n", ["2 SecretsUsedInArgOrEnv", "2 SecretsUsedInArgOrEnv"]),
        ("FROM a\nWORKDIR app\nWORKDIR more\n", ["2 WorkdirRelativePath"]),
        ("FROM a\nWORKDIR /app\nWORKDIR more\n", []), ("FROM a AS b\nWORKDIR /app\nFROM b\nWORKDIR x\n", []),
        ("FROM a\nENV D=/app\nWORKDIR $D/x\n", []), ("FROM a\nENV D=app\nWORKDIR $D/x\n", ["3 WorkdirRelativePath"]),
        ("FROM a\nEXPOSE 80/TCP 81/udp\n", ["2 ExposeProtoCasing"]),
        ("FROM a\nEXPOSE 8080:80 80\n", ["2 ExposeInvalidFormat"]),
        ("FROM a\nEXPOSE 127.0.0.1:80:80/UDP\n", ["2 ExposeInvalidFormat", "2 ExposeProtoCasing"]),
        ("FROM a\nEXPOSE 80 443/tcp 1000-1010\n", []), ("FROM a\nARG P=80/TCP\nEXPOSE $P\n", ["3 ExposeProtoCasing"]),
        // What the file asks for
        ("# check=skip=JSONArgsRecommended\nFROM a\nCMD x\nMAINTAINER y\n", ["4 MaintainerDeprecated"]),
        ("# check=skip=all\nFROM a\nCMD x\nMAINTAINER y\n", []),
        ("# owner\nFROM a AS b\n", []),
        (
            "# check=experimental=InvalidDefinitionDescription\n# owner\nFROM a AS b\n",
            ["3 InvalidDefinitionDescription"]
        ),
        (
            "# check=experimental=all\n# b is the base\nFROM a AS b\n# A the first\nARG A\n# other\nARG B C\n",
            ["7 InvalidDefinitionDescription"]
        ),
        ("# check=experimental=all\n# none\n\nFROM a AS b\n# none\n#\nARG A\n# x\nRUN y\n# z\nFROM a\n", []),
        ("# check=skip=all;experimental=all\n# none\nFROM a AS b\nCMD x\n", ["3 InvalidDefinitionDescription"]),
    ]

    @Test("each rule sees what it is for, and nothing else")
    func rows() {
        for (text, expected) in DockerfileChecksTests.rows {
            let found = DockerfileChecksTests.names(DockerfileChecksTests.remarks(text))
            if found != expected { Issue.record("\(text)\(found)") }
        }
    }

    @Test("every rule that needs no registry is in the table, or has a test of its own")
    func complete() {
        let rules: Set<String> = [
            "ConsistentInstructionCasing", "CopyIgnoredFile", "DuplicateStageName", "ExposeInvalidFormat",
            "ExposeProtoCasing", "FromAsCasing",
            "FromPlatformFlagConstDisallowed", "InvalidDefaultArgInFrom", "InvalidDefinitionDescription",
            "JSONArgsRecommended",
            "LegacyKeyValueFormat", "MaintainerDeprecated", "MultipleInstructionsDisallowed", "NoEmptyContinuation",
            "RedundantTargetPlatform",
            "ReservedStageName", "SecretsUsedInArgOrEnv", "StageNameCasing", "UndefinedArgInFrom", "UndefinedVar",
            "WorkdirRelativePath",
        ]
        let seen = Set(DockerfileChecksTests.rows.flatMap(\.1).map { $0.split(separator: " ")[1].description })
        #expect(rules.subtracting(seen) == ["CopyIgnoredFile"] && seen.isSubset(of: rules))
    }

    @Test("what the context leaves out cannot be copied from it")
    func ignored() {
        let text =
            "# check=experimental=CopyIgnoredFile\nFROM a AS b\nCOPY docs /\nADD ./docs/x.md /\nCOPY src /\nCOPY --from=b docs /\n"
            + "ADD https://docs/x /\nENV D=docs\nCOPY /$D/ /\n"
        let found = DockerfileChecksTests.remarks(text, ignore: IgnorePatterns(["docs"]))
        #expect(DockerfileChecksTests.names(found) == ["3 CopyIgnoredFile", "4 CopyIgnoredFile", "9 CopyIgnoredFile"])
        #expect(DockerfileChecksTests.remarks(text).isEmpty)
        let silent = text.replacing("# check=experimental=CopyIgnoredFile\n", with: "")
        #expect(DockerfileChecksTests.remarks(silent, ignore: IgnorePatterns(["docs"])).isEmpty)
    }

    @Test("what a base image sets is told, or unknown")
    func inherited() {
        let text = "FROM php\nCOPY a $PHP_INI_DIR/\nFROM scratch\nCOPY a $X\n"
        func lines(_ inherited: @escaping (DockerfileStage) -> Set<String>?) -> [String] {
            DockerfileChecksTests.names(DockerfileChecksTests.remarks(text, inherited: inherited))
        }
        #expect(lines { _ in ["PATH"] } == ["2 UndefinedVar", "4 UndefinedVar"])
        #expect(lines { _ in ["PATH", "PHP_INI_DIR"] } == ["4 UndefinedVar"])
        #expect(lines { _ in nil } == ["4 UndefinedVar"])
    }

    @Test("arguments that are given count")
    func arguments() {
        let text = "ARG P\nFROM --platform=$P a\nARG D\nWORKDIR $D\n"
        #expect(DockerfileChecksTests.remarks(text, arguments: ["P=linux/amd64", "D=/x"]).isEmpty)
        let relative = DockerfileChecksTests.remarks(text, arguments: ["P=linux/amd64", "D=x"])
        #expect(DockerfileChecksTests.names(relative) == ["4 WorkdirRelativePath"])
    }

    @Test("remarks are errors where the file says so, have a place and say what to do")
    func severity() {
        let found = DockerfileChecksTests.remarks("# check=error=true\nFROM scratch\nENV NAME=1\n  COPY $NAEM /\n")
        #expect(found.map(\.severity) == [.error])
        #expect(
            found.first?.description == "Dockerfile:4:3: UndefinedVar: $NAEM is not defined; did you mean $NAME?")
    }

    @Test("checks end, and in time, whatever the file is", .timeLimit(.minutes(2)))
    func bounds() throws {
        let names = (0..<40_000).map { "ENV N\($0)=$M\($0)\nCMD x\n" }.joined()
        #expect(DockerfileChecksTests.remarks("FROM a\n" + names).count == 500)
        let files = try DockerfileTests.files("good")
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<1_000 {
            let text = generator.pick(files).text + "\n" + generator.pick(files).text
            guard let dockerfile = DockerfileParser.parse(text, file: "f").dockerfile else { continue }
            let remarks = DockerfileChecks.run(dockerfile, text: text, ignore: IgnorePatterns(["a", "*.go"]))
            for remark in remarks where remark.place == nil || remark.path.isEmpty { Issue.record("\(remark)") }
        }
    }
}
