using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Tests.Safetensors;

/// <summary>Takes results apart, failing the test when they are of the other kind.</summary>
internal static class Expect
{
    public static T Ok<T>(Result<T> result) => result.Match(value => value, fault => throw new Xunit.Sdk.XunitException(fault.ToString()));

    public static Fault Fault<T>(Result<T> result, string code)
    {
        var fault = result.Match(_ => throw new Xunit.Sdk.XunitException($"a fault {code} was expected"), fault => fault);
        Assert.Equal(code, fault.Code);
        Assert.False(string.IsNullOrWhiteSpace(fault.Message));
        Assert.NotNull(fault.Place);
        return fault;
    }

    /// <summary>Whether type, shape and every bit agree (NaN included).</summary>
    public static bool SameBytes(Tensor left, Tensor right) =>
        left.dtype == right.dtype && left.shape.SequenceEqual(right.shape) && left.contiguous().bytes.SequenceEqual(right.contiguous().bytes);
}
