using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace LeapAlign.Host.Telemetry.Export.Variables;

/// <summary>The certificates of a connection to a receiver, from PEM files.</summary>
internal static class Certificates
{
    /// <summary>A file with the authorities that a receiver is trusted by.</summary>
    public static Check Authorities { get; } = static path => Wrong(() => Read(path).Count > 0 ? null : "is a file without a certificate in PEM");

    /// <summary>What is wrong with a certificate of this program and its key.</summary>
    /// <param name="certificate">The file of the certificate.</param>
    /// <param name="key">The file of its key; null when it lies in the same file.</param>
    public static string? Client(string certificate, string? key) => Wrong(() =>
    {
        using var read = X509Certificate2.CreateFromPemFile(certificate, key);
        return null;
    });

    /// <summary>The settings of a connection.</summary>
    /// <param name="authorities">The file of authorities; null takes those of the system.</param>
    /// <param name="certificate">The certificate of this program; null for none.</param>
    /// <param name="key">The file of its key.</param>
    public static SslClientAuthenticationOptions Options(string? authorities, string? certificate, string? key)
    {
        var options = new SslClientAuthenticationOptions();
        if (authorities is not null)
        {
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.AddRange(Read(authorities));
            options.CertificateChainPolicy = policy;
        }
        if (certificate is not null) options.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, key)];
        return options;
    }

    private static X509Certificate2Collection Read(string path)
    {
        var read = new X509Certificate2Collection();
        read.ImportFromPemFile(path);
        return read;
    }

    private static string? Wrong(Func<string?> look)
    {
        try
        {
            return look();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            return $"cannot be read: {exception.Message.TrimEnd('.')}";
        }
    }
}
