namespace LeapAlign.Integration.Tests.Live;

/// <summary>A run that goes on for longer than its tests, and another process that watches it.</summary>
public sealed class WatchedRuns : IDisposable
{
    public WatchedRuns()
    {
        Run = StartedHost.Start(Workspace, "step 2/", [BuiltHost.Program, "train", "--name", "long", "--set", "run.steps=2000", "--set", "evaluation.every=4", "--set", "run.threads=1"]).ReadAlong();
        // What makes other servers of its kind listen to every network.
        Watch = StartedHost.Start(Workspace, "watching ", ["ASPNETCORE_URLS=http://0.0.0.0:0", "Kestrel__Endpoints__Open__Url=http://0.0.0.0:0", BuiltHost.Program, "watch", "latest"]).ReadAlong();
    }

    internal Workspace Workspace { get; } = new();

    internal StartedHost Run { get; }

    internal StartedHost Watch { get; }

    public void Dispose()
    {
        Watch.Dispose();
        Run.Dispose();
        Workspace.Dispose();
    }
}
