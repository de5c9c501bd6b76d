using System.Globalization;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.LatentHead;

/// <summary>What a file says of a head.</summary>
internal sealed record HeadFile
{
    private const string Form = "leapalign.latent-head 1";

    /// <summary>The content of the model's network (<see cref="IFeatureModel.FeatureContent"/>).</summary>
    public required string Model { get; init; }

    /// <summary>After how many blocks it looks.</summary>
    public required int Blocks { get; init; }

    /// <summary>Its widths.</summary>
    public required HeadShape Shape { get; init; }

    /// <summary>The lowest noise level that it was fitted at.</summary>
    public required double LowestSigma { get; init; }

    /// <summary>The highest.</summary>
    public required double HighestSigma { get; init; }

    /// <summary>What it was fitted to.</summary>
    public required string Source { get; init; }

    /// <summary>The mean of what it was fitted to.</summary>
    public required double Offset { get; init; }

    /// <summary>The standard deviation of what it was fitted to.</summary>
    public required double Scale { get; init; }

    /// <summary>Reads a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="device">Where its tensors go.</param>
    /// <returns>What it says, and the head; LA4022 for a file that is absent, damaged, of something else, or that does not say what it has to.</returns>
    public static Result<(HeadFile Says, Head Head)> Read(string path, Device device)
    {
        if (!File.Exists(path)) return Bad("there is no such head; leapalign fit makes one for the model of plugins.json", path);
        return SafetensorsFile.Open(path).Bind(file =>
        {
            using (file)
            {
                return from says in Said(file.Metadata, path)
                       from tensors in Tensors(file, says.Shape, path, device)
                       select (says, new Head(says.Shape, tensors));
            }
        });
    }

    /// <summary>The metadata of the file.</summary>
    /// <param name="record">What else it carries.</param>
    public IReadOnlyDictionary<string, string> Write(IReadOnlyDictionary<string, string> record) => new Dictionary<string, string>(record)
    {
        ["format"] = "pt",
        ["form"] = Form,
        ["model"] = Model,
        ["blocks"] = Number(Blocks),
        ["width.tokens"] = Number(Shape.Tokens),
        ["width.captions"] = Number(Shape.Captions),
        ["width.head"] = Number(Shape.Hidden),
        ["sigma.lowest"] = Number(LowestSigma),
        ["sigma.highest"] = Number(HighestSigma),
        ["source"] = Source,
        ["offset"] = Number(Offset),
        ["scale"] = Number(Scale),
    };

    private static Result<HeadFile> Said(IReadOnlyDictionary<string, string> metadata, string path)
    {
        Result<string> Word(string key) => metadata.GetValueOrDefault(key) is { Length: > 0 } word ? word : Bad($"its metadata do not say '{key}', which a head that leapalign fit wrote says", path);
        Result<int> Whole(string key) => Word(key).Bind(word => int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and <= 1 << 20
            ? Result.Ok(number)
            : Bad($"its metadata say '{key}': '{word}'; expected a whole number from 1 to {1 << 20}", path));
        Result<double> Real(string key, Func<double, bool> fits, string expected) => Word(key).Bind(word => double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) && fits(number)
            ? Result.Ok(number)
            : Bad($"its metadata say '{key}': '{word}'; expected {expected}", path));
        return from form in Word("form").Bind(form => form == Form ? Result.Ok(form) : Bad($"its form is '{form}'; this version reads '{Form}'", path))
               from model in Word("model")
               from blocks in Whole("blocks")
               from tokens in Whole("width.tokens")
               from captions in Whole("width.captions")
               from hidden in Whole("width.head")
               from lowest in Real("sigma.lowest", static sigma => sigma is >= 0 and <= 1, "a noise level in [0, 1]")
               from highest in Real("sigma.highest", sigma => sigma >= lowest && sigma <= 1, "a noise level from 'sigma.lowest' to 1")
               from source in Word("source")
               from offset in Real("offset", static _ => true, "a number")
               from scale in Real("scale", static scale => scale > 0, "a number above 0")
               select new HeadFile
               {
                   Model = model,
                   Blocks = blocks,
                   Shape = new HeadShape(tokens, captions, hidden),
                   LowestSigma = lowest,
                   HighestSigma = highest,
                   Source = source,
                   Offset = offset,
                   Scale = scale,
               };
    }

    private static Result<IReadOnlyList<Tensor>> Tensors(SafetensorsFile file, HeadShape shape, string path, Device device)
    {
        foreach (var (name, expected) in shape.Tensors)
        {
            if (file.Entries.GetValueOrDefault(name) is not { } entry) return Bad($"the tensor '{name}' is missing", path);
            if (entry.Type != ScalarType.Float32 || !entry.Shape.SequenceEqual(expected))
                return Bad($"the tensor '{name}' is {entry.Type} [{string.Join(", ", entry.Shape)}]; by what its metadata say it is Float32 [{string.Join(", ", expected)}]", path);
        }
        if (file.Entries.Keys.FirstOrDefault(name => shape.Tensors.All(tensor => tensor.Name != name)) is { } other) return Bad($"the tensor '{other}' is not part of a head", path);
        return shape.Tensors.Select(tensor => file.Read(tensor.Name).Map(read =>
        {
            using (read) return read.to(device, copy: true).DetachFromDisposeScope();
        })).All();
    }

    private static string Number(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private static Fault.Input Bad(string message, string path) => new(FaultCodes.BadRewardFile, message, new SourcePlace(path));
}
