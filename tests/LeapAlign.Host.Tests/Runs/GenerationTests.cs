using LeapAlign.Host.Commands;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Runs;

/// <summary><c>generate</c> ends as <c>train</c> does.</summary>
public sealed class GenerationTests : IDisposable
{
    private readonly SmallRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Whatever_a_part_throws_is_a_fault_and_every_part_is_disposed()
    {
        _run.Generate().Fault(FaultCodes.StepThrew, "drawing threw NotSupportedException: no way");
        Assert.Equal(["model", "sampler", "prompts"], _run.Disposed);
        _run.Disposed.Clear();
        _run.Generate("a circle").Fault(FaultCodes.StepThrew, "no way");
        Assert.Equal(["model", "sampler"], _run.Disposed);
    }

    [Fact]
    public void Pictures_that_are_left_when_it_is_asked_to_stop_are_an_interruption()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Equal(Completion.Interrupted, _run.Generate(stop.Token).Value());
        Assert.Contains("interrupted: 0 of 1 pictures", _run.Output, StringComparison.Ordinal);
    }
}
