// The agent under a service manager that listens for it, played by a few lines of Python.
import Foundation
import Testing

@Suite("End to end: socket activation", .serialized)
struct ActivationTests {
    /// Listens, and as long as nobody serves the socket starts an agent when somebody connects.
    private static let activator = """
        import os, select, socket, sys
        path, agent = sys.argv[1], sys.argv[2:]
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.exists(path): os.unlink(path)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen(8)
        print("listening", flush=True)
        while True:
            select.select([listening], [], [])
            child = os.fork()
            if child == 0:
                os.dup2(listening.fileno(), 3)
                os.set_inheritable(3, True)
                os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
                os.execv(agent[0], agent)
            os.waitpid(child, 0)
        """

    @Test(
        "it takes the socket, leaves it when it goes, and comes back; its death harms nothing; nobody else starts one")
    func life() throws {
        try withWorld { world in
            try world.write(
                "compose.yaml",
                """
                name: activated
                services: {web: {image: "localhost/busybox:1", command: ["sleep", "100000"], init: true}}
                """)
            #expect(eventually { world.agentProcessID == nil }, "the agent that a command started has left")
            let socket = "\(world.runRoot)/agent.sock"
            let agent = URL(fileURLWithPath: world.berth).deletingLastPathComponent().path + "/berth-agent"
            let manager = try world.start(
                program: "/usr/bin/python3",
                ["-c", Self.activator, socket, agent, "--data-dir", world.dataRoot, "--run-dir", world.runRoot])
            #expect(eventually { manager.stdoutSoFar.contains("listening") })
            #expect(try world.run("up", "-d").status == 0)
            let container = try world.run("ps", "-q").stdout
            let first = try #require(world.agentProcessID)
            let parent = try world.onHost("ps -o args= -p $(ps -o ppid= -p \(first))").stdout
            #expect(parent.contains("python3"), "it is the manager's: \(parent)")
            kill(first, SIGKILL)
            #expect(try world.run("ps", "-q").stdout == container, "the next command brings it back")
            #expect(world.agentProcessID != first)
            #expect(try world.run("down").status == 0)
            #expect(eventually { world.agentProcessID == nil })
            #expect(FileManager.default.fileExists(atPath: socket))
            #expect(try world.run("ls", "-q").stdout == "")
            manager.signal(SIGTERM)
            _ = manager.wait(limit: 60)
            #expect(try world.run("ls", "-q").status == 0, "without a manager a command starts it")
        }
    }
}
