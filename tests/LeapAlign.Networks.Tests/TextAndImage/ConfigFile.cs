using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.TextAndImage;

/// <summary>A config.json with a given text, read as a user's.</summary>
internal static class ConfigFile
{
    public static T Require<T>(string json, Func<string, Result<T>> read) => Recording.Require(Read(json, read));

    public static Fault Fault<T>(string json, Func<string, Result<T>> read) =>
        Read(json, read).Match(value => throw new InvalidOperationException($"{value} was accepted"), fault => fault);

    public static Result<T> Read<T>(string json, Func<string, Result<T>> read)
    {
        var folder = Directory.CreateTempSubdirectory("leapalign-config-");
        try
        {
            var path = Path.Combine(folder.FullName, "config.json");
            File.WriteAllText(path, json);
            return read(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
