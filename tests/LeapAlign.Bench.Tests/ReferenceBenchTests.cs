using LeapAlign.Bench.References;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Tests;

/// <summary>What <c>bench reference</c> calls the same picture.</summary>
public sealed class ReferenceBenchTests
{
    [Theory]
    [InlineData(3.0, 2.0, null)]
    [InlineData(3.0, 2.01, "TOO FAR")]
    [InlineData(3.0, double.NaN, "TOO FAR")]
    [InlineData(2.0, 0.0, "NOT MOVED")]
    [InlineData(double.NaN, 0.0, "NOT MOVED")]
    [InlineData(null, 2.0, null)]
    [InlineData(null, 2.01, "TOO FAR")]
    public void A_drawing_holds_when_the_adapter_shows_and_both_draw_the_same(double? moved, double difference, string? fault) =>
        Assert.Equal(fault, new ReferenceRow("case", "picture", moved, difference).Fault);

    [Fact]
    public void The_distance_is_that_of_the_worst_pixel_and_of_no_number_is_none()
    {
        using var scope = NewDisposeScope();
        var (one, other) = (zeros(2, 3, 4, 3), zeros(2, 3, 4, 3));
        Assert.Equal(0, ReferenceBench.Distance(one, other));
        other[1, 2, 3, 2] = -3 / 255f;
        other[0, 0, 0, 0] = 1 / 255f;
        Assert.Equal(3, ReferenceBench.Distance(one, other), 1e-4);
        other[0, 1, 0, 0] = float.NaN;
        Assert.Equal(double.NaN, ReferenceBench.Distance(one, other));
        Assert.Contains("[2, 3, 4, 3]", Assert.Throws<FaultException>(() => ReferenceBench.Distance(one, other[0])).Fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_the_libraries_it_says_that_it_was_skipped_and_a_wrong_path_or_name_is_a_fault()
    {
        using var output = new StringWriter();
        Assert.Equal(Result.Ok(true), ReferenceBench.Run("", [], output));
        Assert.StartsWith("skipped: LEAPALIGN_REFERENCE", Assert.Single(output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        var fault = ReferenceBench.Run("/no/such/program", [], output).Match(static _ => throw new InvalidOperationException("it did not fail"), static fault => fault);
        Assert.Equal(FaultCodes.VariableNotSet, fault.Code);
        Assert.Contains("'/no/such/program'", fault.Message, StringComparison.Ordinal);
        fault = ReferenceBench.Run(Environment.ProcessPath, ["flux", "sd4", "run.steps=1"], output).Match(static _ => throw new InvalidOperationException("it did not fail"), static fault => fault);
        Assert.Equal(FaultCodes.BadOption, fault.Code);
        Assert.Contains("'sd4', but sd3, sd3-guided, flux", fault.Message, StringComparison.Ordinal);
    }
}
