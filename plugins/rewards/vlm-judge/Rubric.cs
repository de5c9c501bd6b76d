using System.Text;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Rewards.VlmJudge;

/// <summary>How pictures are judged.</summary>
/// <param name="Text">What the model is told.</param>
/// <param name="Form">What it may answer.</param>
internal sealed record Rubric(string Text, AnswerForm Form)
{
    private const int Largest = 1 << 18;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads a file.</summary>
    /// <param name="path">Its full path.</param>
    /// <returns>A fault when it cannot be read, is not UTF-8, or does not say what the answer looks like.</returns>
    public static Result<Rubric> Read(string path) =>
        from content in Content(path)
        from text in Decoded(path, content)
        from form in AnswerForm.Of(text) is { } stated ? Result.Ok(stated) : Bad<AnswerForm>(path, $"the rubric does not say what an answer is; expected {AnswerForm.Expected}, and no such line before it")
        select new Rubric(text, form);

    private static Result<byte[]> Content(string path)
    {
        try
        {
            using var file = RegularFile.Open(path);
            if (RandomAccess.GetLength(file) > Largest) return Bad<byte[]>(path, $"the rubric has more than {Largest} bytes, which is no text that a model reads with every picture");
            var content = new byte[Largest];
            var length = 0;
            while (RandomAccess.Read(file, content.AsSpan(length), length) is > 0 and var count) length += count;
            return content[..length];
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return Bad<byte[]>(path, $"the rubric cannot be read: {refused.Message}");
        }
    }

    private static Result<string> Decoded(string path, byte[] content)
    {
        try
        {
            return s_strict.GetString(content.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? content.AsSpan(Encoding.UTF8.Preamble.Length) : content).ReplaceLineEndings("\n").Trim();
        }
        catch (DecoderFallbackException)
        {
            return new Fault.Input(FaultCodes.NotUtf8, "the rubric is not UTF-8", new SourcePlace(path));
        }
    }

    private static Result<T> Bad<T>(string path, string what) => new Fault.Input(FaultCodes.BadRubric, what, new SourcePlace(path));
}
