using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Commands;

/// <summary>Options whose word is none of their type. The library says so in the names that .NET has for types, and reads 7,5 as 75.</summary>
internal static class OptionTypes
{
    /// <summary>Why the first such option cannot be; null where there is none.</summary>
    public static string? Refusal(ParseResult parsed) => parsed.RootCommandResult.Children.Concat(parsed.CommandResult.Children).OfType<OptionResult>().SelectMany(Refusals).FirstOrDefault();

    private static IEnumerable<string> Refusals(OptionResult result)
    {
        var type = Nullable.GetUnderlyingType(result.Option.ValueType) ?? result.Option.ValueType;
        // A number beyond its type is beyond the option's own range, which says more.
        var ranged = result.Option.Validators.Count > 0;
        return result.Tokens.Select(token => Expected(type, token.Value, ranged) is { } expected ? $"{result.Option.Name} is {Quoted.Words(token.Value)}; expected {expected}" : null).OfType<string>();
    }

    // Null where the word is of the type, or the type takes any word.
    private static string? Expected(Type type, string word, bool ranged)
    {
        if (type == typeof(int)) return Whole(word, ranged, int.MinValue, int.MaxValue);
        if (type == typeof(long)) return Whole(word, ranged, long.MinValue, long.MaxValue);
        return type == typeof(double) && !double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out _) ? "a number, such as 0.5" : null;
    }

    private static string? Whole(string word, bool ranged, long least, long most)
    {
        if (!BigInteger.TryParse(word, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number)) return "a whole number";
        return !ranged && (number < least || number > most) ? string.Create(CultureInfo.InvariantCulture, $"a whole number from {least} to {most}") : null;
    }
}
