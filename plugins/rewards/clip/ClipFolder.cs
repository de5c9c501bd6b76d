using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Rewards.Clip;

/// <summary>A model folder in one of its two layouts: that of transformers (config.json, model.safetensors), or that of open_clip (open_clip_config.json, open_clip_model.safetensors).</summary>
/// <param name="Path">The folder.</param>
/// <param name="Config">The model.</param>
/// <param name="Pictures">What the folder says of pictures.</param>
/// <param name="IsOpenClip">Whether it is in the layout of open_clip.</param>
internal sealed record ClipFolder(string Path, ClipConfig Config, ClipImageProcessor Pictures, bool IsOpenClip)
{
    private static readonly string[] s_pickles = [".pt", ".pth", ".bin", ".ckpt"];

    /// <summary>Reads the configurations of a folder. Where it has both layouts, as published ones have, that of transformers counts.</summary>
    public static Result<ClipFolder> Read(string path, PartContext context)
    {
        var open = System.IO.Path.Combine(path, OpenClipConfig.File);
        if (!File.Exists(open) && !File.Exists(System.IO.Path.Combine(path, "config.json")))
        {
            var message = Directory.Exists(path) ? $"there is neither config.json, as transformers writes it, nor {OpenClipConfig.File}, as open_clip does" : "there is no such model folder";
            return new Fault.Input(FaultCodes.ModelNotFound, message, new SourcePlace(path));
        }
        if (File.Exists(open) && !HasModel(path)) return OpenClipConfig.Read(open, context.Warn).Map(config => new ClipFolder(path, config.Model, config.Pictures, IsOpenClip: true));
        return
            from config in ClipConfig.Read(System.IO.Path.Combine(path, "config.json"), context.Warn)
            from pictures in ClipImageProcessor.Read(path, config.Vision, context.Warn)
            select new ClipFolder(path, config, pictures, IsOpenClip: false);
    }

    /// <summary>Opens the weights, under the names of transformers.</summary>
    /// <param name="take">Takes them; the files are closed afterwards.</param>
    public Result<Unit> Weights(Func<IWeightSource, Result<Unit>> take) => Files().Bind(files =>
    {
        using (files) return IsOpenClip ? OpenClipWeights.Of(files, Config).Bind(take) : take(files);
    });

    /// <summary>A hash of all that features depend on: configuration and weights.</summary>
    public Result<string> Content(ContentHash hash) => Files().Bind(files =>
    {
        using (files) return hash.Of([System.IO.Path.Combine(Path, IsOpenClip ? OpenClipConfig.File : "config.json"), .. files.Files]);
    });

    /// <summary>Opens what makes token ids of captions, as many as tokenizer and model take.</summary>
    /// <param name="asOpenClip">Whether captions are cleaned as open_clip does, whatever the layout.</param>
    /// <param name="warn">Takes warnings.</param>
    public Result<CaptionIds> Captions(bool asOpenClip, Action<Fault> warn) => Tokenizer(asOpenClip, warn).Bind(FillsBehind).Bind(tokenizer =>
        CaptionIds.Of(tokenizer, Config.Text.Vocabulary, Math.Min(tokenizer.MaxLength, Config.Text.Positions), Path, "the model", warn));

    private Result<ITextTokenizer> Tokenizer(bool asOpenClip, Action<Fault> warn) => asOpenClip
        ? OpenClipTokenizer.Load(Path, warn).Map(static tokenizer => (ITextTokenizer)tokenizer)
        : ClipTokenizer.Load(Path, warn).Map(static tokenizer => (ITextTokenizer)tokenizer);

    // A text that begins later has other positions: what it scores would depend on the longest caption beside it, as it does in transformers.
    private Result<ITextTokenizer> FillsBehind(ITextTokenizer tokenizer) => tokenizer.PadsLeft
        ? new Fault.Input(FaultCodes.BadTokenizer, "'padding_side' is \"left\", with which a score depends on the captions beside it; it has to be right", new SourcePlace(System.IO.Path.Combine(Path, "tokenizer_config.json"), Key: "padding_side"))
        : Result.Ok(tokenizer);

    private static bool HasModel(string path) => File.Exists(System.IO.Path.Combine(path, "config.json")) && Directory.EnumerateFiles(path, "model*.safetensors*").Any();

    private Result<SafetensorsFolder> Files()
    {
        if (!IsOpenClip && AdapterBeside.Refused(Path) is { } adapter) return adapter;
        var stem = IsOpenClip ? OpenClipWeights.Stem : "model";
        if (Directory.Exists(Path) && !Directory.EnumerateFiles(Path, $"{stem}*.safetensors*").Any() && Pickle() is { } pickle) return pickle;
        return IsOpenClip ? SafetensorsFolder.Open(Path, stem) : SafetensorsFolder.Open(Path);
    }

    // Code in a pickle would be run by reading it.
    private Fault? Pickle()
    {
        var found = Directory.EnumerateFiles(Path).Where(static file => s_pickles.Contains(System.IO.Path.GetExtension(file))).Order(StringComparer.Ordinal).FirstOrDefault();
        return found is null ? null : PickledWeights.Refused(found, IsOpenClip ? $"{OpenClipWeights.Stem}.safetensors" : "model.safetensors");
    }
}
