using System.Diagnostics;
using System.Text.RegularExpressions;
using LeapAlign.Host.Runs.Endings;

namespace LeapAlign.Integration.Tests.Live;

/// <summary>The built program while it runs, with a live page.</summary>
internal sealed partial class StartedHost : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly System.Threading.Channels.Channel<string> _said = System.Threading.Channels.Channel.CreateUnbounded<string>();
    private Task<string>? _rest;

    private StartedHost(Process process) => (_process, _error) = (process, Listen(process.StandardError));

    public int Id => _process.Id;

    /// <summary>Where its page is.</summary>
    public string Address { get; private set; } = "";

    /// <summary>Starts the program, and waits for the line that has what is waited for.</summary>
    public static StartedHost Start(Workspace workspace, string line, params string[] arguments)
    {
        // A shell that runs the tests in the background makes its children deaf to interrupts; this undoes it.
        var started = new StartedHost(BuiltHost.Start(workspace.Folder, "env", ["--default-signal=INT", .. arguments]));
        started.ReadTo(line);
        return started;
    }

    /// <summary>Reads what it prints up to a line, and takes note of the address of its page.</summary>
    public void ReadTo(string words)
    {
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (PageAddress().Match(line) is { Success: true } found) Address = found.Value;
            if (line.Contains(words, StringComparison.Ordinal)) return;
        }
        Assert.Fail($"it ended before '{words}': {_error.GetAwaiter().GetResult()}");
    }

    /// <summary>From now on what it prints is read along, so that it never waits for its reader.</summary>
    public StartedHost ReadAlong()
    {
        _rest = _process.StandardOutput.ReadToEndAsync();
        return this;
    }

    /// <summary>Waits until it says on standard error what is waited for.</summary>
    /// <returns>The line.</returns>
    public async Task<string> Says(string words)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await foreach (var line in _said.Reader.ReadAllAsync(patience.Token))
        {
            if (line.Contains(words, StringComparison.Ordinal)) return line;
        }
        throw new InvalidOperationException($"it ended without '{words}'");
    }

    /// <summary>Waits until a stage of a step has begun, which is seen where the witness sees it.</summary>
    /// <param name="step">From 1.</param>
    public async Task IsIn(int step)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "open files of another process are listed on Linux");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!Directory.EnumerateFiles($"/proc/{Id}/fd").Any(file => new FileInfo(file).LinkTarget is { } name && name.Contains("leapalign-stage", StringComparison.Ordinal) && StageMark.Read(file)?.Step >= step))
        {
            await Task.Delay(20, patience.Token);
        }
    }

    /// <summary>Presses Ctrl+C.</summary>
    public async Task Signal()
    {
        using var kill = Process.Start("kill", ["-INT", $"{Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Presses Ctrl+C and waits for the end.</summary>
    public async Task<Outcome> Interrupt()
    {
        await Signal();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return new Outcome(_process.ExitCode, await (_rest ?? _process.StandardOutput.ReadToEndAsync()), await _error);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private async Task<string> Listen(StreamReader error)
    {
        var all = new System.Text.StringBuilder();
        while (await error.ReadLineAsync() is { } line)
        {
            all.Append(line).Append('\n');
            _said.Writer.TryWrite(line);
        }
        _said.Writer.Complete();
        return all.ToString();
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:[0-9]+/[A-Za-z0-9_-]+/")]
    private static partial Regex PageAddress();
}
