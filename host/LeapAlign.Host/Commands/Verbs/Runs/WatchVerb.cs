using System.CommandLine;
using System.Net;
using LeapAlign.Host.Live;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs.Runs;

/// <summary>Shows a run live in a browser, until Ctrl+C.</summary>
internal sealed class WatchVerb(Terminal terminal, TimeProvider time) : IVerb
{
    private readonly RunArgument _run = RunArgument.Create();

    private readonly Option<int> _port = new("--port")
    {
        Description = "Where 127.0.0.1 is listened to; 0 takes any port that is free.",
        HelpName = "number",
        DefaultValueFactory = static _ => 0,
    };

    public Command Describe()
    {
        _port.Limit(IPEndPoint.MinPort, IPEndPoint.MaxPort);
        var command = new Command("watch", "Shows a run, under way or ended, on a page of this machine that keeps up with it; Ctrl+C ends. Writes nothing.") { _run, _port };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed) => terminal.Finish(
        from folder in _run.Find(parsed)
        from server in LiveServer.Start(WatchedRun.Of(folder, time), parsed.GetValue(_port), time)
        select Serve(folder, server));

    private Unit Serve(RunFolder folder, LiveServer server)
    {
        using (server)
        {
            using var interruption = new Interruption(terminal.Error, null);
            terminal.Write($"watching {folder.Path} at {server.Address}");
            interruption.Token.WaitHandle.WaitOne();
        }
        return Unit.Value;
    }
}
