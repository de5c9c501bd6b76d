namespace TestPlugins.Words;

/// <summary>A private library of which two plugins carry different versions.</summary>
public static class Vocabulary
{
    public static string Word => "version 1";
}
