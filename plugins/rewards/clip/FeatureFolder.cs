using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Rewards.Clip;

/// <summary>
/// Text features on the disk, one file for each caption, in a folder for each model. A file holds the features and a hash over model, token ids and features, so that one that was damaged, or belongs to
/// something else, is seen; it counts as absent. Whatever is in the folder can be deleted.
/// </summary>
internal sealed class FeatureFolder
{
    // Part of every key: other arithmetic needs another number.
    private const string Version = "text 1";
    private readonly string _folder;
    private readonly string _model;
    private readonly int _width;
    private readonly Action<Fault> _warn;

    private FeatureFolder(string folder, string model, int width, Action<Fault> warn) => (_folder, _model, _width, _warn) = (Path.Combine(folder, model), model, width, warn);

    /// <summary>Opens the folder of a model, made when absent. Features depend on its files, and on where and in which precision they are computed.</summary>
    /// <returns>A fault when there can be no such folder, or the model cannot be read.</returns>
    public static Result<FeatureFolder> Open(string folder, ClipFolder model, PartContext context) =>
        from made in Made(folder)
        from content in model.Content(new ContentHash(folder, SystemDisk.Instance, context.Stop))
        let key = ContentHash.Of($"{Version}\n{content}\n{context.Device.type}\n{context.ComputeType}")
        from own in Made(Path.Combine(folder, key))
        select new FeatureFolder(folder, key, model.Config.Text.Projection!.Value, context.Warn);

    /// <summary>The features of token ids.</summary>
    /// <returns>Null when there are none, or none that are whole.</returns>
    public float[]? Find(long[] ids)
    {
        try
        {
            using var file = RegularFile.Open(PathOf(ids));
            var content = new byte[(_width * sizeof(float)) + SHA256.HashSizeInBytes];
            if (RandomAccess.GetLength(file) != content.Length || RandomAccess.Read(file, content, 0) != content.Length) return null;
            var features = content.AsSpan(0, _width * sizeof(float));
            return content.AsSpan(features.Length).SequenceEqual(Seal(ids, features)) ? MemoryMarshal.Cast<byte, float>(features).ToArray() : null;
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps features. A disk that refuses costs the next run an evaluation of the text tower, and not this run its scores.</summary>
    public void Keep(long[] ids, float[] features)
    {
        var bytes = MemoryMarshal.AsBytes(features.AsSpan());
        // Another process may have kept the same features at the same moment, and taken the name away.
        if (!WholeFile.Write(PathOf(ids), (byte[])[.. bytes, .. Seal(ids, bytes)]).TryGet(out _, out var refused) && Find(ids) is null) _warn(refused);
    }

    private static Result<Unit> Made(string folder)
    {
        try
        {
            SystemDisk.Instance.MakeFolder(folder);
            return Unit.Value;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"text features cannot be kept here ({refused.Message}); the setting 'textFolder' names another folder", new SourcePlace(folder));
        }
    }

    private string PathOf(long[] ids) => Path.Combine(_folder, $"{Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(ids.AsSpan())))}.features");

    private byte[] Seal(long[] ids, ReadOnlySpan<byte> features)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(System.Text.Encoding.ASCII.GetBytes(_model));
        hash.AppendData(MemoryMarshal.AsBytes(ids.AsSpan()));
        hash.AppendData(features);
        return hash.GetHashAndReset();
    }
}
