using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests;

/// <summary>Looks into results.</summary>
internal static class ResultAssert
{
    public static T Value<T>(this Result<T> result) => result.Match(value => value, fault => throw new Xunit.Sdk.XunitException($"unexpected fault: {fault}"));

    public static Fault Fault<T>(this Result<T> result) => result.Match(_ => throw new Xunit.Sdk.XunitException("a fault was expected"), fault => fault);

    /// <summary>Asserts a fault's code and words of its sentence, and that it is one sentence.</summary>
    public static Fault Fault<T>(this Result<T> result, string code, params string[] words)
    {
        var fault = result.Fault();
        Assert.Equal(code, fault.Code);
        foreach (var word in words) Assert.Contains(word, fault.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
        Assert.NotEqual(0, fault.ExitCode);
        return fault;
    }
}
