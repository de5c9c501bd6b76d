using System.CommandLine;
using System.Text;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Writes a plugins.json to start from.</summary>
internal sealed class InitVerb(Terminal terminal) : IVerb
{
    private const string Resource = "LeapAlign.Host.Commands.Verbs.starter.plugins.json";

    private readonly Option<bool> _force = new("--force") { Description = "Replaces a file that is there." };

    /// <summary>The text that is written.</summary>
    public static string Starter
    {
        get
        {
            using var reader = new StreamReader(typeof(InitVerb).Assembly.GetManifestResourceStream(Resource)!);
            return reader.ReadToEnd();
        }
    }

    public bool WritesFiles => true;

    public Command Describe()
    {
        var command = new Command("init", "Writes a commented plugins.json to start from.") { _force };
        command.TakeNoOverrides("writes the file that it always writes, to be changed afterwards");
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var path = parsed.GetValue(GlobalOptions.Config)!;
        if (File.Exists(path) && !parsed.GetValue(_force))
        {
            return terminal.Error.Error(new Fault.Configuration(FaultCodes.BadOption, "the file exists; --force replaces it", new(path)));
        }
        return terminal.Finish(OutputFile.Write(path, Encoding.UTF8.GetBytes(Starter)).Map(_ =>
        {
            terminal.Write($"wrote {path}; next: leapalign validate, leapalign train");
            return Unit.Value;
        }));
    }
}
