using System.Text.Json;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Tokenizers;

/// <summary>The recorded strings and ids, and folders to load tokenizers from.</summary>
internal static class TokenizerFixture
{
    public static string[] Strings { get; } = Read(root => root.GetProperty("strings").EnumerateArray().Select(text => text.GetString()!).ToArray());

    public static ITextTokenizer ClipTokens { get; } = Loaded(ClipTokenizer.Load(Repository.Fixture("tokenizers", "clip")));

    public static ITextTokenizer OpenClipTokens { get; } = Loaded(OpenClipTokenizer.Load(Repository.Fixture("tokenizers", "clip")));

    public static ITextTokenizer T5Tokens { get; } = Loaded(T5Tokenizer.Load(Repository.Fixture("tokenizers", "t5")));

    public static long[][] Ids(string column) =>
        Read(root => root.GetProperty(column).EnumerateArray().Select(ids => ids.EnumerateArray().Select(id => id.GetInt64()).ToArray()).ToArray());

    public static T Loaded<T>(Result<T> result)
    {
        Assert.True(result.TryGet(out var tokenizer, out var fault), fault?.ToString());
        return tokenizer!;
    }

    /// <summary>A folder with some of another's files, which a test may damage.</summary>
    public static string Copy(string source, params string[] names)
    {
        var folder = Directory.CreateTempSubdirectory("leapalign-tokenizer").FullName;
        foreach (var name in names) File.Copy(Path.Combine(source, name), Path.Combine(folder, name));
        return folder;
    }

    private static T Read<T>(Func<JsonElement, T> take)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Repository.Fixture("tokenizers", "expected.json")));
        return take(document.RootElement);
    }
}
