namespace LeapAlign.Networks.Formats;

/// <summary>What LeapAlign does with a field of a file that another library wrote.</summary>
public enum FieldEffect
{
    /// <summary>Its value is used as the reference library uses it; a value that cannot be used is a fault.</summary>
    Honoured,

    /// <summary>Only some of its values are supported; every other one is a fault.</summary>
    RefusedUnless,

    /// <summary>Any value is right, since it changes nothing of what LeapAlign computes.</summary>
    NoEffect,
}

/// <summary>A field that the reference library reads from a file, and what LeapAlign does with it.</summary>
/// <param name="Name">Its key; keys of nested objects are joined by dots, <c>text_config.hidden_size</c>.</param>
/// <param name="Effect">What is done with it.</param>
/// <param name="Note">
/// One phrase for documentation: what a honoured field decides (may be empty), which values of a refused one are supported, why one has no effect.
/// </param>
public sealed record FileField(string Name, FieldEffect Effect, string Note)
{
    /// <summary>A field whose value is used.</summary>
    public static FileField Honoured(string name, string note = "") => new(name, FieldEffect.Honoured, note);

    /// <summary>A field with values that are not supported.</summary>
    /// <param name="name">Its key.</param>
    /// <param name="supported">The values that are.</param>
    public static FileField RefusedUnless(string name, string supported) => new(name, FieldEffect.RefusedUnless, supported);

    /// <summary>A field that changes nothing.</summary>
    /// <param name="name">Its key.</param>
    /// <param name="why">Why it does not.</param>
    public static FileField NoEffect(string name, string why) => new(name, FieldEffect.NoEffect, why);
}
