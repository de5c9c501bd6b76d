using System.Collections.Frozen;
using System.Text;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services;
using LeapAlign.Services.Programs;

namespace LeapAlign.Rewards.Ocr;

/// <summary>A program of this machine reads, one process for each picture: PNG on its standard input, text on its standard output.</summary>
internal sealed class ProgramReader : ITextReader
{
    private readonly AskedProgram _program;
    private readonly int _concurrency;

    private ProgramReader(AskedProgram program, int concurrency) => (_program, _concurrency) = (program, concurrency);

    /// <summary>Finds the program; it is not started yet.</summary>
    /// <returns>A fault when it is not there.</returns>
    public static Result<ITextReader> Create(OcrSettings settings, PartContext context) =>
        AskedProgram.Find(settings.Command, settings.Timeout, settings.MaxResponseBytes, context).Map(program => (ITextReader)new ProgramReader(program, settings.Concurrency));

    public IReadOnlyList<string> Read(IReadOnlyList<PictureBytes> pictures, IReadOnlyList<Prompt> prompts)
    {
        var texts = new string[pictures.Count];
        SentPictures.Ask(pictures.Count, _concurrency, async (number, cancellation) =>
        {
            var answer = await _program.Ask(pictures[number].ToPng(), prompts[number].Text, FrozenDictionary<string, string>.Empty, cancellation);
            texts[number] = answer.Fault is { } fault ? throw new FaultException(fault) : Encoding.UTF8.GetString(answer.Output);
        });
        return texts;
    }

    public void Dispose()
    {
    }
}
