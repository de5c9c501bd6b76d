namespace LeapAlign.Pipeline;

/// <summary>The value of an operation that succeeds with nothing to say.</summary>
public readonly record struct Unit
{
    /// <summary>The one value.</summary>
    public static Unit Value => default;
}
