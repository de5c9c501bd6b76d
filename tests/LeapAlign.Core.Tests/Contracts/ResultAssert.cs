using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Tests;

internal static class ResultAssert
{
    /// <summary>The value, which has to be there.</summary>
    public static T Value<T>(this Result<T> result) => result.Match(static value => value, static fault => throw new Xunit.Sdk.XunitException($"unexpected fault: {fault}"));
}
